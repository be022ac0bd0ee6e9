"""Registration of the stand-in: when it stands in, when it stays away, and what it says."""

from __future__ import annotations

import copy
import importlib
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import tvops
from tvops import OperatorNotSupported, extension
from tvops.registration import NAME

REPOSITORY = Path(__file__).resolve().parents[2]


def python(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter that looks for packages in ``paths`` first."""
    search = os.pathsep.join(map(str, (*paths, REPOSITORY)))
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": search},
        timeout=120,
        check=False,
    )


def fake_mmcv(root: Path, extension_source: str) -> Path:
    """A package ``mmcv`` with a ``_ext`` of the given source."""
    package = root / "mmcv"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "_ext.py").write_text(extension_source)
    return root


def test_active_here():
    if tvops.active() == "compiled":
        pytest.skip("mmcv has compiled operators here")
    assert sys.modules[NAME] is extension
    before = list(sys.meta_path)
    tvops.install()
    assert sys.meta_path == before


def test_real_extension_is_never_replaced(tmp_path):
    fake_mmcv(tmp_path, "MARK = 42\n")
    done = python("import tvops, mmcv._ext\nprint(tvops.active(), mmcv._ext.MARK)", tmp_path)
    assert done.stdout.split() == ["compiled", "42"], done.stderr


@pytest.fixture
def fresh(monkeypatch):
    """As in a process that has imported neither mmcv nor tvops."""
    for name in ("mmcv", NAME):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    return monkeypatch


def test_extension_that_was_imported_first_stays(fresh, tmp_path):
    fresh.syspath_prepend(fake_mmcv(tmp_path, "MARK = 42\n"))
    real = importlib.import_module(NAME)
    assert tvops.active() == "compiled"
    assert sys.modules[NAME] is real
    assert real.MARK == 42


def test_broken_extension_is_named_in_a_warning(fresh, tmp_path):
    fresh.syspath_prepend(fake_mmcv(tmp_path, 'raise ImportError("undefined symbol: _ZN3c10")\n'))
    with pytest.warns(RuntimeWarning, match="cannot be loaded: undefined symbol: _ZN3c10"):
        assert tvops.active() == "torchvision"
    assert importlib.import_module(NAME) is extension
    assert sys.modules["mmcv"]._ext is extension


def test_without_mmcv(fresh):
    fresh.setattr(sys, "path", [])
    fresh.setattr(sys, "path_importer_cache", {})
    assert tvops.active() == "torchvision"


def test_missing_dependency_of_mmcv_is_not_hidden(fresh, tmp_path):
    root = fake_mmcv(tmp_path, "")
    (root / "mmcv" / "__init__.py").write_text("import no_such_package_of_mmcv\n")
    fresh.syspath_prepend(root)
    with pytest.raises(ModuleNotFoundError, match="no_such_package_of_mmcv"):
        tvops.active()


def test_importing_costs_no_torch():
    done = python(
        "import sys, tvops, fish_dataset, fishdet\n"
        "print([name for name in ('torch', 'mmcv', 'cv2', 'matplotlib') if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_after_a_failed_import_of_mmcv_ops():
    if tvops.active() == "compiled":
        pytest.skip("mmcv has compiled operators here")
    done = python(
        "try:\n"
        "    import mmcv.ops\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error.name)\n"
        "import tvops\n"
        "import mmcv.ops, mmcv._ext\n"
        "from mmcv.utils import collect_env\n"
        "print(mmcv.ops.nms.__name__, mmcv._ext.__name__)\n"
    )
    assert done.stdout.split() == ["mmcv._ext", "nms", "tvops.extension"], done.stderr


def test_spawned_process_has_it():
    """A worker process gets the operators with the first thing of tvops that it unpickles."""
    import mmcv.ops

    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 4.0]])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply_async(tvops.active).get(timeout=120) == tvops.active()
        task = pool.apply_async(mmcv.ops.nms, (boxes, torch.tensor([0.5, 0.9]), 0.5))
        assert task.get(timeout=120)[1].tolist() == [1]


def test_unsupported_operator_raises_when_called_and_names_itself():
    operator = extension.roi_align_rotated_forward
    with pytest.raises(OperatorNotSupported, match="roi_align_rotated_forward.*compiled operators"):
        operator(torch.zeros(1), angle=3)
    with pytest.raises(NotImplementedError):
        operator()


def test_unsupported_operator_through_mmcv():
    if tvops.active() == "compiled":
        pytest.skip("mmcv has compiled operators here")
    import mmcv.ops

    with pytest.raises(OperatorNotSupported, match="box_iou_rotated"):
        mmcv.ops.box_iou_rotated(torch.zeros(1, 5), torch.zeros(1, 5))


@pytest.mark.parametrize("name", ["__path__", "__wrapped__", "_private"])
def test_private_names_are_absent(name):
    with pytest.raises(AttributeError, match=name):
        getattr(extension, name)


@pytest.mark.parametrize("name", [*extension.__all__, "ball_query_forward"])
def test_every_operator_pickles_and_copies(name):
    operator = getattr(extension, name)
    assert pickle.loads(pickle.dumps(operator)).__name__ == name
    assert copy.deepcopy(operator).__name__ == name


def test_versions_say_whose_operators():
    assert "torchvision" in extension.get_compiler_version()
    assert extension.get_compiling_cuda_version() == (torch.version.cuda or "not available")
