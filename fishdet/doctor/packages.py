"""What is installed, what is missing, and what is installed over one another."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from .check import FAIL, OK, PIP, WARN, Check

# Distributions that fill the same import folder; the first is the one that set-up installs.
SHARED = {
    "mmcv": ("onedl-mmcv", "mmcv", "mmcv-full", "mmcv-lite"),
    "mmengine": ("onedl-mmengine", "mmengine", "mmengine-lite"),
    "mmdet": ("onedl-mmdetection", "mmdet"),
    "cv2": (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
}
INSTALL = f"{PIP} install -c constraints.txt -e ."
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def check_packages(root: Path) -> list[Check]:
    """Return the checks of everything that ``setup.cfg`` asks for, of the folders that
    distributions share, and of the extras."""
    required = requirements(root)
    checks = [check_requirement(line) for line in required]
    checks += [check_shared(folder, names) for folder, names in SHARED.items()]
    checks.append(check_torchvision_pair())
    checks += [check_extra(name, lines) for name, lines in extras(root).items()]
    return [check for check in checks if check is not None]


def requirements(root: Path) -> list[str]:
    """Return the lines of ``install_requires`` in ``root/setup.cfg``."""
    return _lines(_setup(root).get("options", "install_requires", fallback=""))


def extras(root: Path) -> dict[str, list[str]]:
    """Return the lines of each extra in ``root/setup.cfg``, but for those of the tests."""
    parser, section = _setup(root), "options.extras_require"
    listed = dict(parser[section]) if section in parser else {}
    return {name: _lines(text) for name, text in listed.items() if name != "tests"}


def _setup(root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(root / "setup.cfg", encoding="utf-8")
    return parser


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _name_of(line: str) -> str:
    match = _NAME.match(line)
    return match[1] if match else line


def check_extra(extra: str, lines: Sequence[str]) -> Check:
    """Say whether an extra is installed; that it is not stands in nobody's way."""
    missing = []
    for line in filter(applies, lines):
        name = _name_of(line)
        version = version_of(name)
        if version is None:
            missing.append(name)
        elif not satisfies(line, version):
            missing.append(f"{line.split(';')[0].strip()} (here {version})")
    if not missing:
        return Check(f"[{extra}]", OK, "installed")
    command = f"pip install -c constraints.txt -e '.[{extra}]'"
    return Check(f"[{extra}]", OK, f"not installed: {', '.join(missing)}; {command}")


def version_of(name: str) -> str | None:
    """Return an installed distribution's version, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_requirement(line: str) -> Check | None:
    """Compare one requirement with what is installed; None where it does not apply here."""
    name = _name_of(line)
    if not applies(line):
        return None
    version = version_of(name)
    if version is None:
        return _check_substitute(name, line)
    if not satisfies(line, version):
        wanted = line.split(";")[0].strip()
        return Check(name, WARN, f"{version}, but {wanted} is asked for", INSTALL)
    return Check(name, OK, version)


def _check_substitute(name: str, line: str) -> Check:
    """Judge a package that is missing, but which another may stand in for."""
    for names in SHARED.values():
        for other in names if name == names[0] else ():
            version = version_of(other)
            if version is not None:
                return Check(name, OK, f"{other} {version} in its place")
    return Check(name, FAIL, f"missing ({line})", INSTALL)


def applies(line: str) -> bool:
    """Return whether a requirement's marker (``; python_version < …``) holds here."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return ";" not in line
    try:
        marker = Requirement(line).marker
    except InvalidRequirement:
        return True
    return marker is None or bool(marker.evaluate())


def satisfies(line: str, version: str) -> bool:
    """Return whether a version is in a requirement's range; a build tag (+cpu) plays no part."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return True
    try:
        specifier = Requirement(line).specifier
    except InvalidRequirement:
        return True
    return bool(specifier.contains(version, prereleases=True))


def check_shared(folder: str, names: Sequence[str]) -> Check | None:
    """Return a warning if several distributions of one import folder are installed."""
    found = {name: version for name in names if (version := version_of(name)) is not None}
    if len(found) < 2:
        return None
    listed = " and ".join(f"{name} {version}" for name, version in found.items())
    mixed = len(set(found.values())) > 1
    danger = (
        "and files of different releases are mixed in it"
        if mixed
        else "so updating or removing one breaks the other"
    )
    detail = f"{listed} are installed over one another: they share the folder {folder}, {danger}"
    return Check(f"{folder} folder", WARN, detail, remedy_shared(names, found))


def remedy_shared(names: Sequence[str], found: Mapping[str, str]) -> str:
    """Return the command that leaves one distribution, whole.

    Removing one takes shared files along, so what stays is installed anew.
    """
    keep = next(name for name in names if name in found)
    others = " ".join(name for name in found if name != keep)
    return (
        f"{PIP} uninstall -y {others} && "
        f"{PIP} install --force-reinstall --no-deps {keep}=={found[keep]}"
    )


def check_torchvision_pair() -> Check | None:
    """Compare torch with the release that torchvision was built for, which its metadata names."""
    torch, torchvision = version_of("torch"), version_of("torchvision")
    if torch is None or torchvision is None:
        return None
    for line in metadata.requires("torchvision") or []:
        match = _NAME.match(line)
        if match and match[1] == "torch" and applies(line) and not satisfies(line, torch):
            detail = f"torchvision {torchvision} was built for {line}, but torch is {torch}"
            return Check("torch pair", FAIL, detail, remedy_torch_pair())
    return None


def remedy_torch_pair() -> str:
    """Return the command that installs a fitting pair."""
    return f"{PIP} install --force-reinstall -c constraints.txt torch torchvision"
