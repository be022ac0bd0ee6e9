"""The doctor: what it says of simulated installations, and of the real one (trap 12)."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest

from fishdet.doctor import Check, as_json, as_text, can_run, diagnose, probes
from fishdet.doctor import machine as machine_checks
from fishdet.doctor import packages as package_checks
from fishdet.doctor.probes import CODE, Answer, check_answer, check_devices, check_imports

ROOT = Path(__file__).resolve().parent.parent
GOOD = {
    "torch": Answer(dict(version="2.14.1", build=None, cuda=[], mps=False, threads=2)),
    "torchvision": Answer(dict(version="0.29.1", kept=1)),
    "opencv": Answer(dict(version="4.12.0", shape=[2, 2, 3])),
    "main job": Answer(
        dict(operators="torchvision", mmcv="2.3.6", mmengine="0.10.12", mmdet="3.5.1")
    ),
}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What importlib.metadata says is installed; at first what set-up asks for."""
    versions = {
        "torch": "2.14.1+cpu", "torchvision": "0.29.1", "onedl-mmcv": "2.3.6",
        "onedl-mmengine": "0.10.12", "onedl-mmdetection": "3.5.1", "opencv-python": "4.12.0.88",
        "numpy": "2.2.6", "tomli": "2.5.0",
    }  # fmt: skip

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy", "torch==2.14.1"])
    return versions


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that asks for the packages of ``installed``."""
    (tmp_path / "setup.cfg").write_text(
        "[options]\ninstall_requires =\n    torch>=2.4\n    torchvision>=0.19\n"
        "    onedl-mmcv>=2.3,<2.4\n    onedl-mmengine>=0.10\n    onedl-mmdetection>=3.5\n"
        '    opencv-python>=4.8\n    numpy>=1.26\n    tomli>=2; python_version < "3"\n'
    )
    return tmp_path


def answering(**changed: Answer) -> probes.Ask:
    """Return a stand-in for the child processes."""
    answers = {**GOOD, **{name.replace("_", " "): answer for name, answer in changed.items()}}
    by_code = {code: answers[name] for name, code in CODE.items()}
    return lambda code, root: by_code[code]


def troubles(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks if check.status != "ok"}


def test_a_good_installation_is_all_well(installed, checkout) -> None:
    checks = diagnose(checkout, answering())
    assert troubles(checks) == {} and can_run(checks)
    assert as_text(checks).endswith("All is well.")
    assert not any(check.name == "tomli" for check in checks)  # its marker does not hold here


@pytest.mark.parametrize(
    ("extra", "version", "folder"),
    [
        ("opencv-python-headless", "4.12.0.88", "cv2"),
        ("opencv-contrib-python", "4.11.0.86", "cv2"),
        ("mmcv", "2.2.0", "mmcv"),
        ("mmcv-full", "1.7.2", "mmcv"),
        ("mmengine", "0.10.7", "mmengine"),
        ("mmdet", "3.3.0", "mmdet"),
    ],
)
def test_two_distributions_in_one_folder(installed, checkout, extra, version, folder) -> None:
    installed[extra] = version
    checks = diagnose(checkout, answering())
    assert list(troubles(checks)) == [f"{folder} folder"] and can_run(checks)
    check = troubles(checks)[f"{folder} folder"]
    keep = package_checks.SHARED[folder][0]
    assert f"{keep} {installed[keep]} and {extra} {version}" in check.detail
    assert ("mixed" in check.detail) == (version != installed[keep])
    assert f"uninstall -y {extra} && " in check.remedy
    assert check.remedy.endswith(f"--force-reinstall --no-deps {keep}=={installed[keep]}")


def test_a_real_mmcv_in_place_of_ours_is_fine(installed, checkout) -> None:
    del installed["onedl-mmcv"]
    installed["mmcv"] = "2.2.0"
    compiled = Answer({**GOOD["main job"].values, "operators": "compiled"})
    checks = diagnose(checkout, answering(main_job=compiled))
    assert troubles(checks) == {}
    told = {check.name: check.detail for check in checks}
    assert told["onedl-mmcv"] == "mmcv 2.2.0 in its place"
    assert told["operators"] == "mmcv's compiled operators"


def test_missing_and_outdated_packages(installed, checkout) -> None:
    del installed["torch"]
    installed["onedl-mmcv"] = "2.4.0"
    gone = Answer(error="ModuleNotFoundError: No module named 'torch'")
    checks = diagnose(checkout, answering(torch=gone, torchvision=gone, main_job=gone))
    found = troubles(checks)
    assert not can_run(checks)
    assert found["torch"].status == "fail" and "pip install" in found["torch"].remedy
    assert found["onedl-mmcv"].status == "warn" and "2.4.0" in found["onedl-mmcv"].detail
    assert found["main job works"].detail == gone.error
    assert "The main job cannot run: torch, " in as_text(checks)
    assert not {"devices", "operators"} & {check.name for check in checks}


def test_extras_are_told_and_stand_in_nobodys_way(installed, checkout) -> None:
    with (checkout / "setup.cfg").open("a") as file:
        file.write("[options.extras_require]\nruntime =\n    onnxruntime>=1.18\n    numpy>=1.26\n")
        file.write("tests =\n    pytest\n")
    (check,) = [one for one in package_checks.check_packages(checkout) if one.name.startswith("[")]
    assert (check.name, check.status) == ("[runtime]", "ok")
    assert check.detail.startswith("not installed: onnxruntime; pip install ")
    installed["onnxruntime"] = "1.10"
    (check,) = [one for one in package_checks.check_packages(checkout) if one.name.startswith("[")]
    assert "onnxruntime>=1.18 (here 1.10)" in check.detail
    installed["onnxruntime"] = "1.20"
    (check,) = [one for one in package_checks.check_packages(checkout) if one.name.startswith("[")]
    assert check.detail == "installed"


def test_torchvision_of_another_torch(installed, checkout) -> None:
    installed["torch"] = "2.13.0"
    broken = Answer(error="RuntimeError: operator torchvision::nms does not exist")
    found = troubles(diagnose(checkout, answering(torchvision=broken, main_job=broken)))
    assert found["torch pair"].status == "fail"
    assert (
        "torchvision 0.29.1 was built for torch==2.14.1, but torch is 2.13.0"
        in found["torch pair"].detail
    )
    for name in ("torch pair", "torchvision works", "main job works"):
        assert found[name].remedy.endswith("constraints.txt torch torchvision")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("ImportError: libGL.so.1: cannot open shared object file", "apt install libgl1"),
        ("AttributeError: module 'cv2' has no attribute 'imencode'", "opencv-python"),
        ("ImportError: mmcv/_ext.cpython-311.so: undefined symbol: _ZN2at4", "uninstall -y mmcv"),
        ("AttributeError: _ARRAY_API not found", "constraints.txt numpy"),
        ("ModuleNotFoundError: No module named 'rich'", "install -c constraints.txt -e ."),
        ("ValueError: something new", "--force-reinstall"),
    ],
)
def test_known_errors_have_a_remedy(error: str, remedy: str) -> None:
    check = check_answer("main job", Answer(error=error))
    assert check.status == "fail" and check.detail == error and remedy in check.remedy


def test_devices() -> None:
    values = GOOD["torch"].values
    assert check_devices(values, has_nvidia=False) == Check("devices", "ok", "CPU, 2 threads")
    unused = check_devices(values, has_nvidia=True)
    assert unused.status == "warn" and "CPU build" in unused.detail and unused.remedy
    gpu = dict(values, build="13.0", cuda=[["H100", 80 * 2**30]])
    assert check_devices(gpu, has_nvidia=True).detail == "CUDA 13.0: H100 (80 GiB)"


def test_cpu_flags(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(
        "model name\t: Fast\nflags\t: avx2 avx512f avx512_vnni avx512_bf16 amx_tile\n\nx: y"
    )
    told = machine_checks.check_cpu(info).detail
    assert told.startswith("Fast,") and told.endswith("AVX2, AVX512, VNNI, BF16, AMX")
    info.write_text("model name : Old\nflags : sse2 avx2\n")
    assert machine_checks.check_cpu(info).detail.endswith(
        "AVX2; no bf16 instructions, so fp32 is used"
    )
    assert "unknown" in machine_checks.check_cpu(tmp_path / "none").detail


def test_machine_troubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine_checks.check_python((3, 9)).status == "fail"
    assert machine_checks.check_python((3, 10)).status == "ok"
    assert machine_checks.check_weights_folder(str(tmp_path / "none")).status == "warn"
    assert machine_checks.check_weights_folder(str(tmp_path)).status == "ok"
    usage = type("Usage", (), dict(free=2**30))
    monkeypatch.setattr(machine_checks.shutil, "disk_usage", lambda path: usage)
    assert machine_checks.check_disk(tmp_path).status == "warn"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    assert machine_checks.check_writable(tmp_path / "new" / "deep").status == "ok"
    assert not (tmp_path / "new").exists()
    (tmp_path / "work_dirs").touch()  # a file where the folder should be
    check = machine_checks.check_writable(tmp_path / "work_dirs")
    assert check.status == "fail" and str(tmp_path / "work_dirs") in check.remedy


def test_a_child_that_fails_is_quoted_and_one_that_dies_is_told(tmp_path: Path) -> None:
    assert probes.ask("print('noise'); print('{\"a\": 1}')", tmp_path) == Answer({"a": 1})
    assert probes.ask("import nothing_of_this_name", tmp_path).error == (
        "ModuleNotFoundError: No module named 'nothing_of_this_name'"
    )
    assert probes.ask("import os; os.abort()", tmp_path).error
    assert "answered" in probes.ask("print('no json')", tmp_path).error
    slow = "import time; time.sleep(60)"
    assert _with_limit(0.2, lambda: probes.ask(slow, tmp_path)).error.startswith("did not answer")


def _with_limit(seconds: float, call):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes, "TIMEOUT_S", seconds)
        return call()


def test_json_holds_every_check(installed, checkout) -> None:
    installed["mmcv"] = "2.2.0"
    checks = diagnose(checkout, answering())
    content = json.loads(as_json(checks))
    assert content["can_run"] is True
    assert [Check(**check) for check in content["checks"]] == checks


def test_repeated_remedies_are_printed_once() -> None:
    checks = [Check("a", "fail", "missing", "do it"), Check("b", "fail", "missing", "do it")]
    assert as_text(checks).count("fix: do it") == 1


def test_the_report_comes_where_nothing_is_installed(tmp_path: Path) -> None:
    venv.EnvBuilder(symlinks=True, with_pip=False).create(tmp_path / "bare")
    command = [tmp_path / "bare/bin/python", str(ROOT / "tools/doctor.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    content = json.loads(done.stdout)
    failed = {check["name"] for check in content["checks"] if check["status"] == "fail"}
    assert done.returncode == 1 and content["can_run"] is False
    assert {"torch", "onedl-mmcv", "timm", "torch works", "main job works"} <= failed


def test_this_installation_can_run() -> None:
    command = [sys.executable, str(ROOT / "tools/doctor.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    told = {check["name"]: check["detail"] for check in json.loads(done.stdout)["checks"]}
    assert {"python", "cpu", "devices", "operators", "disk", "work_dirs", "torch"} <= set(told)


def test_checks_run_two_at_a_time_in_the_checkout(tmp_path: Path) -> None:
    seen: list[Path] = []

    def ask(code: str, root: Path) -> Answer:
        seen.append(root)
        return answering()(code, root)

    names = [check.name for check in check_imports(tmp_path, ask)]
    assert names[:4] == [f"{name} works" for name in CODE] and seen == [tmp_path] * len(CODE)
