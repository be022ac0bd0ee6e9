"""What all command lines share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fishdet.cli import exit_status

SCRIPT = """
import sys
from fishdet.cli import exit_status

def main():
    import profile
    profile.run  # of the standard library

sys.exit(exit_status(main))
"""


def test_a_tool_beside_a_namesake_of_the_standard_library_runs(tmp_path: Path) -> None:
    (tmp_path / "profile.py").write_text("")
    script = tmp_path / "proposals.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_other_folders_stay_on_the_path(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "tool.py")])
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "tool.py").write_text("")
    assert exit_status(lambda: None) == 0 and sys.path[0] == str(tmp_path)
    (tmp_path / "trace.py").write_text("")
    assert exit_status(lambda: None) == 0 and sys.path[0] != str(tmp_path)
