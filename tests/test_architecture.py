"""The shape of the source tree: arrows of import, lengths, and scripts that only call packages."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each may import those to its right.
LAYERS = ("tools", "fishdet", "fish_dataset", "tvops")
LONGEST_MODULE, LONGEST_SCRIPT, LONGEST_LEAF, LONGEST_FUNCTION = 450, 150, 15, 80
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
SCRIPTS = sorted((ROOT / "tools").rglob("*.py"))
LEAVES = sorted(path for path in (ROOT / "configs").glob("*/*.py") if path.parent.name != "_base_")
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]


def imported_layers(tree: ast.AST) -> Iterator[str]:
    """Yield the layer of every absolute import, those inside functions too."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        yield from (name.split(".")[0] for name in names if name.split(".")[0] in LAYERS)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_every_layer_is_there() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(LAYERS)
    assert LEAVES


def test_an_arrow_the_wrong_way_is_seen() -> None:
    source = (
        "def f():\n    from fishdet.config import load_config\nimport tvops.nms\nfrom . import x"
    )
    assert list(imported_layers(ast.parse(source))) == ["tvops", "fishdet"]


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_imports_point_one_way(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    above = set(LAYERS[: LAYERS.index(own)])
    wrong = above.intersection(imported_layers(ast.parse(path.read_text(encoding="utf-8"))))
    assert not wrong, f"{own} imports {', '.join(sorted(wrong))}, which stands above it"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_modules_and_functions_stay_short(path: Path) -> None:
    assert length(path) <= LONGEST_MODULE
    tree = ast.parse(path.read_text(encoding="utf-8"))
    long = [f.name for f in functions(tree) if f.end_lineno - f.lineno + 1 > LONGEST_FUNCTION]  # type: ignore[operator]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_public_functions_are_typed_and_told(path: Path) -> None:
    """At module level: methods that override a library's keep its words."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"
    ]
    untold = [f.name for f in public if not ast.get_docstring(f)]
    untyped = [f.name for f in public if f.returns is None]
    assert not untold and not untyped


@pytest.mark.parametrize("path", SCRIPTS, ids=[str(path.relative_to(ROOT)) for path in SCRIPTS])
def test_scripts_stay_thin(path: Path) -> None:
    assert length(path) <= LONGEST_SCRIPT


@pytest.mark.parametrize("path", LEAVES, ids=[str(path.relative_to(ROOT)) for path in LEAVES])
def test_leaf_configs_stay_short(path: Path) -> None:
    assert length(path) <= LONGEST_LEAF


def test_doctor_imports_nothing_that_may_be_missing() -> None:
    """It runs where torch, mmdet or even packaging is not installed."""
    allowed_inside_functions = {"packaging.requirements"}
    for path in (ROOT / "fishdet" / "doctor").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                module = node.module or ""
            elif isinstance(node, ast.Import):
                module = node.names[0].name
            else:
                continue
            known = module.split(".")[0] in sys.stdlib_module_names
            assert known or (module in allowed_inside_functions and node not in tree.body), path
