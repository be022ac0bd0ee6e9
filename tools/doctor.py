"""Say what this installation has, lacks and how to mend it. Status 1: the main job cannot run."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def load_doctor() -> ModuleType:
    """Load the folder fishdet/doctor as a package of its own.

    ``import fishdet.doctor`` would run ``fishdet/__init__.py`` first, which imports mmdet: a
    broken installation would end in its traceback instead of this report.
    """
    folder = ROOT / "fishdet" / "doctor"
    spec = importlib.util.spec_from_file_location(
        "fishdet_doctor", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """Print the report and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    arguments = parser.parse_args()
    if sys.version_info < (3, 10):  # noqa: UP036  (the one script that older ones should reach)
        print("error: Python 3.10 or newer is needed, this is " + sys.version.split()[0])
        return 1
    doctor = load_doctor()
    checks = doctor.diagnose(ROOT)
    print(doctor.as_json(checks) if arguments.json else doctor.as_text(checks))
    return 0 if doctor.can_run(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
