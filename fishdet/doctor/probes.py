"""What can only be known by importing it: tried in processes of their own.

A broken library may raise anything, print to the terminal or take its process with it; so each
is imported in a child, which answers with one line of JSON.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .check import FAIL, OK, PIP, WARN, Check
from .packages import INSTALL, remedy_torch_pair

TIMEOUT_S = 180

CODE = {
    "torch": """
import json, torch
cuda = [[torch.cuda.get_device_name(i), torch.cuda.get_device_properties(i).total_memory]
        for i in range(torch.cuda.device_count())]
print(json.dumps(dict(version=torch.__version__, build=torch.version.cuda, cuda=cuda,
                      mps=torch.backends.mps.is_available(), threads=torch.get_num_threads())))
""",
    "torchvision": """
import json, torch, torchvision
boxes = torch.tensor([[0., 0., 2., 2.], [0., 0., 2., 2.]])
kept = len(torchvision.ops.nms(boxes, torch.tensor([1., 0.5]), 0.5))
print(json.dumps(dict(version=torchvision.__version__, kept=kept)))
""",
    "opencv": """
import json, cv2, numpy
done, data = cv2.imencode(".png", numpy.zeros((2, 2, 3), numpy.uint8))
print(json.dumps(dict(version=cv2.__version__, shape=cv2.imdecode(data, 1).shape)))
""",
    "main job": """
import json, fishdet.registered, mmdet, mmcv, mmengine, tvops, torch
from mmcv.ops import nms
kept = len(nms(torch.tensor([[0., 0., 2., 2.]]), torch.tensor([1.]), 0.5)[1])
print(json.dumps(dict(operators=tvops.active(), mmcv=mmcv.__version__,
                      mmengine=mmengine.__version__, mmdet=mmdet.__version__)))
""",
}

# What an error says → what to do. The first that matches counts.
REMEDIES = (
    (r"torchvision::\w+ does not exist|Couldn't load custom C\+\+ ops", remedy_torch_pair()),
    (r"libGL|libgthread|libxcb", "apt install libgl1 libglib2.0-0, or take opencv-python-headless"),
    (
        r"module 'cv2' has no attribute|No module named 'cv2'",
        f"{PIP} install --force-reinstall --no-deps -c constraints.txt opencv-python",
    ),
    (
        r"_ext.*(undefined symbol|DLL load failed)|undefined symbol.*_ext",
        "the compiled operators of mmcv were built for another torch; remove them: "
        f"{PIP} uninstall -y mmcv onedl-mmcv && "
        f"{PIP} install -c constraints.txt onedl-mmcv",
    ),
    (
        r"_ARRAY_API|numpy\.core\.multiarray|compiled using NumPy",
        f"{PIP} install --force-reinstall --no-deps -c constraints.txt numpy",
    ),
    (r"No module named", INSTALL),
)
REPAIR = f"{PIP} install --force-reinstall -c constraints.txt -e ."


@dataclass(frozen=True)
class Answer:
    """What a child process said: its JSON, or the last line of its error."""

    values: dict[str, Any] = field(default_factory=dict)
    error: str = ""


Ask = Callable[[str, Path], Answer]


def ask(code: str, root: Path) -> Answer:
    """Run Python code in ``root`` and return its last line as JSON."""
    command = [sys.executable, "-c", code]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return Answer(error=f"did not answer within {TIMEOUT_S} s")
    if done.returncode != 0:
        return Answer(error=telling_line(done.stderr) or f"ended with status {done.returncode}")
    try:
        return Answer(values=json.loads(done.stdout.strip().splitlines()[-1]))
    except (ValueError, IndexError):
        return Answer(error=f"answered {done.stdout[-200:]!r}")


def telling_line(stderr: str) -> str:
    """Return the last line of a traceback that names an error, or the last line at all."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception|NotFound)\b", line)]
    return (named or lines or [""])[-1]


def check_imports(root: Path, ask: Ask = ask) -> list[Check]:
    """Return the checks of torch and its devices, torchvision, OpenCV, and of the main job."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        answers = dict(
            zip(CODE, pool.map(lambda code: ask(code, root), CODE.values()), strict=True)
        )
    checks = [check_answer(name, answer) for name, answer in answers.items()]
    if not answers["torch"].error:
        checks.append(
            check_devices(answers["torch"].values, shutil.which("nvidia-smi") is not None)
        )
    if not answers["main job"].error:
        checks.append(check_operators(answers["main job"].values["operators"]))
    return checks


def check_answer(name: str, answer: Answer) -> Check:
    """Judge one import."""
    if answer.error:
        matches = (remedy for pattern, remedy in REMEDIES if re.search(pattern, answer.error))
        return Check(f"{name} works", FAIL, answer.error, next(matches, REPAIR))
    told = {
        key: answer.values[key]
        for key in ("version", "mmcv", "mmengine", "mmdet")
        if key in answer.values
    }
    text = ", ".join(value if key == "version" else f"{key} {value}" for key, value in told.items())
    return Check(f"{name} works", OK, text)


def check_devices(torch: dict[str, Any], has_nvidia: bool) -> Check:
    """Name the devices that torch can compute on.

    Args:
        torch: what the child said of torch.
        has_nvidia: an NVIDIA driver is installed.
    """
    cuda = [f"{name} ({memory / 2**30:.0f} GiB)" for name, memory in torch["cuda"]]
    if cuda:
        return Check("devices", OK, f"CUDA {torch['build']}: {', '.join(cuda)}")
    cpu = f"CPU, {torch['threads']} threads" + ("; MPS" if torch["mps"] else "")
    if has_nvidia:
        built = f"is built for CUDA {torch['build']}" if torch["build"] else "is a CPU build"
        remedy = "update the NVIDIA driver, or install the torch build for it: https://pytorch.org"
        return Check(
            "devices", WARN, f"{cpu}: a GPU is here, but torch {built} and cannot use it", remedy
        )
    return Check("devices", OK, cpu)


def check_operators(active: str) -> Check:
    """Say which implementation of mmcv's operators is in use."""
    told = {
        "compiled": "mmcv's compiled operators",
        "torchvision": "torchvision's operators (tvops), no compiler needed",
    }
    return Check("operators", OK, told.get(active, active))
