"""A process of our own starts from source and from a frozen program."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bachview import __main__
from bachview.jobs.own_program import RUN_MODULE, module_command

EXECUTABLE = str(Path("/opt/bachview/bachview"))


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", EXECUTABLE)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_from_source_a_module_runs_as_with_python_m(tmp_path: Path) -> None:
    (tmp_path / "bachview.py").write_text("raise SystemExit('from the working folder')")
    answer = run(module_command("bachview", "--version"), tmp_path)
    assert answer.stdout.startswith("bachview ")
    assert answer.returncode == 0


def test_the_frozen_program_is_asked_for_the_module(
    frozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert module_command("bachview.x", "a", "b") == [EXECUTABLE, RUN_MODULE, "bachview.x", *"ab"]


def test_on_windows_it_is_the_program_that_has_an_output(
    frozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "executable", str(Path(EXECUTABLE).with_name("bachview-viewer.exe")))
    assert Path(module_command("bachview.x")[0]).name == "bachview.exe"


def test_the_executable_runs_the_module_that_it_is_asked_for(tmp_path: Path) -> None:
    ask = [sys.executable, str(Path(__main__.__file__)), RUN_MODULE]
    root = Path(__main__.__file__).parents[1]
    environment = {"PYTHONPATH": str(root)}
    answer = subprocess.run(
        [*ask, "bachview", "--version"], capture_output=True, text=True, check=True, env=environment
    )
    assert answer.stdout.startswith("bachview ")
    for other in (["json.tool"], []):
        refused = subprocess.run(
            [*ask, *other], capture_output=True, text=True, check=False, env=environment
        )
        assert refused.returncode == 1
        assert "modules of bachview only" in refused.stderr


def test_no_other_place_starts_a_python() -> None:
    package = Path(__main__.__file__).parent
    starts = re.compile(r"\bsys\.executable,|\bmultiprocessing\.|\bProcessPoolExecutor\b")
    found = [path for path in package.rglob("*.py") if starts.search(path.read_text("utf-8"))]
    assert found == [package / "jobs" / "own_program.py"]
