"""Which engine runs a trained model: PyTorch, or an export of the same model beside it.

The rules stand in ``choose`` alone, their figures in docs/performance.md. An export takes PyTorch's
place only where it gives the same boxes (docs/export.md): made of this very file, in FP32, with its
own config, as many proposals and the same calibration. INT8 moves AP, so that it runs only where
its file is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fish_dataset.files import file_sha256, read_json
from fishdet.errors import FishdetError

from .calibration import FILE as CALIBRATION
from .exported import SUFFIXES
from .sessions import RUNTIMES, papers_of

AUTO, PYTORCH, NAMED = "auto", "pytorch", "named"
_EXPORT = "python tools/export.py {} --format openvino"


@dataclass(frozen=True)
class Wish:
    """What was asked of a detector, as far as its engine depends on it; see ``Detector``."""

    runtime: str = AUTO
    config: object = None
    device: str | None = None
    precision: str = "auto"
    plain: bool = False
    proposals: int | None = None
    compiled: bool = False


@dataclass(frozen=True)
class Machine:
    """What there is to choose from.

    Attributes:
        torch: whether PyTorch is installed.
        cuda: whether it has a GPU to run on.
        bf16: whether the CPU has bf16 instructions.
        runtimes: the packages of exported models that are installed.
    """

    torch: bool = True
    cuda: bool = False
    bf16: bool = False
    runtimes: frozenset[str] = frozenset()

    @classmethod
    def here(cls) -> Machine:
        """Return what this machine has."""
        runtimes = frozenset(name for name in RUNTIMES.values() if _installed(name))
        if not _installed("torch"):
            return cls(torch=False, runtimes=runtimes)
        import torch

        from fishdet.precision import cpu_has_bf16

        return cls(True, torch.cuda.is_available(), cpu_has_bf16(), runtimes)


@dataclass(frozen=True)
class Choice:
    """The file to open.

    Attributes:
        file: the trained model, or its export.
        why: in a few words.
        faster: what would make it faster; empty where nothing is known.
    """

    file: Path
    why: str
    faster: str = ""


def choose(model: Path, wish: Wish, machine: Callable[[], Machine] = Machine.here) -> Choice:
    """Return what runs a model.

    Args:
        model: the file that was named, or that its folder stands for.
        wish: what else was asked for.
        machine: asked only where it matters.

    Raises:
        FishdetError: a runtime that does not exist, or a file that is no export of the model.
    """
    if model.suffix in SUFFIXES:
        if wish.compiled:
            raise FishdetError(f"--compile: {model} is an exported model; leave it out")
        if wish.plain:
            raise FishdetError(f"plain: the network of {model}, an export, is fixed; leave it out")
        if wish.runtime not in (AUTO, NAMED):
            raise FishdetError(
                f"runtime {wish.runtime}: {model} is an exported model and runs by itself; name "
                "the trained one, or leave it out"
            )
        return Choice(model, "an exported model")
    if wish.runtime in (PYTORCH, NAMED):
        return Choice(model, "as asked")
    if wish.runtime != AUTO:
        return Choice(_named(model, wish), "as asked")
    fixed = _bound_to_pytorch(wish)
    if fixed:
        return Choice(model, fixed)
    return _fastest(model, wish, machine())


def _bound_to_pytorch(wish: Wish) -> str:
    """Why no export can serve, or nothing."""
    if wish.plain:
        return "the network as it was trained"
    if wish.compiled:
        return "torch.compile is asked for"
    if wish.config is not None:
        return "its config is given"
    if wish.precision not in ("auto", "fp32"):
        return f"{wish.precision} is asked for"
    if wish.device not in (None, "cpu"):
        return f"{wish.device} is asked for"
    return ""


def _fastest(model: Path, wish: Wish, machine: Machine) -> Choice:
    """The table of rules, the first that holds."""
    if not machine.torch:
        return _without_pytorch(model, wish, machine)
    if machine.cuda and wish.device is None:
        return Choice(model, "a GPU")
    if machine.bf16 and wish.precision == "auto":
        return Choice(model, "bf16 instructions, faster than FP32 of any engine")
    # OpenVINO took 0.68 and 0.62 of stock MMDetection's time at 480×640 and 800×1344 where
    # PyTorch took 0.63 and 0.66, and for eight at once 0.51 where it took 0.69; ONNX Runtime, with
    # 0.76, 0.65 and 0.60, is slower at one size.
    export = model.with_suffix(".xml")
    if not export.is_file():
        return Choice(model, "no OpenVINO export beside the model", _advice(model, machine))
    odd = _difference(export, model, wish)
    if odd:
        return Choice(model, f"{export.name} {odd}", _EXPORT.format(model))
    if "openvino" not in machine.runtimes:
        return Choice(model, f"no OpenVINO installed for {export.name}", "pip install openvino")
    return Choice(
        export, "an export of this model: about as fast for one picture, faster in batches"
    )


def _without_pytorch(model: Path, wish: Wish, machine: Machine) -> Choice:
    fit = [
        export
        for suffix in (".xml", ".onnx")
        if (export := model.with_suffix(suffix)).is_file() and not _difference(export, model, wish)
    ]
    for export in fit:
        if RUNTIMES[export.suffix] in machine.runtimes:
            return Choice(export, "an export of this model; PyTorch is not installed")
    if fit:
        package = RUNTIMES[fit[0].suffix]
        raise FishdetError(
            f"{model} needs PyTorch, and {fit[0].name} beside it needs {package}: pip install "
            f"{package}"
        )
    return Choice(model, "no export beside the model")


def _advice(model: Path, machine: Machine) -> str:
    missing = "" if "openvino" in machine.runtimes else "pip install -e '.[export]'; "
    return missing + _EXPORT.format(model)


def _named(model: Path, wish: Wish) -> Path:
    """Return the file that was asked for.

    Raises:
        FishdetError: it is none, of another model, or cannot do what else was asked for.
    """
    export = Path(wish.runtime)
    if export.suffix not in SUFFIXES:
        raise FishdetError(
            f"runtime {export}: auto, pytorch, or a file that tools/export.py wrote of {model} "
            f"({', '.join(SUFFIXES)})"
        )
    if not export.is_file():
        raise FishdetError(f"runtime {export}: no such file; tools/export.py writes it")
    papers = papers_of(export)
    if papers is None or papers.get("model_sha256") != _digest(model):
        raise FishdetError(f"runtime {export}: not an export of {model}; export it anew")
    asked = wish.plain or wish.compiled or wish.config is not None
    if asked or wish.proposals not in (None, papers.get("proposals")):
        raise FishdetError(
            f"runtime {export}: an exported file has its network, config and proposals fixed; "
            "leave those options out, or take --runtime pytorch"
        )
    return export


def _difference(export: Path, model: Path, wish: Wish) -> str:
    """Why an export would not give the boxes of the model, or nothing."""
    papers = papers_of(export)
    if papers is None:
        return "cannot be read"
    if export.suffix == ".xml" and not export.with_suffix(".bin").is_file():
        return "has no .bin beside it"
    if papers.get("precision") != "fp32":
        return f"is {papers.get('precision')}, which runs where it is named"
    if papers.get("own_config") is not True or "proposals" not in papers:
        return "was made with another config, or by an older fishdet"
    if papers["proposals"] != wish.proposals:
        return f"has other proposals ({papers['proposals'] or 'as trained'})"
    if papers.get("model_sha256") != _digest(model):
        return "is of other weights"
    return "has another calibration" if _calibrated_since(papers, model) else ""


def _calibrated_since(papers: Mapping[str, Any], model: Path) -> bool:
    """Whether the calibration beside the model is another than the one in the papers."""
    beside = model.with_name(CALIBRATION)
    if not beside.is_file():
        return False
    try:
        stored = read_json(beside)
    except (OSError, ValueError):
        return True  # PyTorch's way says what is wrong with it
    if not isinstance(stored, Mapping):
        return True
    own = {**(papers.get("calibration") or {}), "thresholds": papers.get("thresholds")}
    return any(
        (stored.get(name) or None) != (own.get(name) or None)
        for name in ("temperature", "bias", "thresholds")
    )


def _digest(model: Path) -> str:
    """The SHA-256 of a model, or nothing where it is missing: to open it then says so."""
    return file_sha256(model) if model.is_file() else ""


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
