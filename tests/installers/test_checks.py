"""A program is held against the source, which passes; others do not."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bachview.version import __version__
from tools.installers import checks
from tools.installers.check_frozen import contents, run_checks
from tools.installers.errors import InstallerError
from tools.installers.program import Program


@pytest.fixture
def source(tmp_path: Path) -> Program:
    return Program.source(tmp_path / "home")


@pytest.fixture
def trial(source: Program, tmp_path: Path) -> checks.Trial:
    return checks.Trial(source, source, tmp_path, tmp_path / "none.tiff", tmp_path / "none.png", ())


def saying(text: str, code: int = 0) -> Program:
    """A program that says this, whatever it is asked."""
    script = f"print({text!r}); raise SystemExit({code})"
    return Program((sys.executable, "-c", script), "/nowhere")


def test_the_source_passes(trial: checks.Trial) -> None:
    assert checks.version(trial).startswith(f"bachview {__version__}")


def test_its_modules_are_run_as_in_a_frozen_program(source: Program) -> None:
    told = json.loads(source.run_module("bachview.bench.parts_probe"))
    assert {"png", "jpeg", "svg"} <= set(told["qt"]["image formats"])
    assert told["qt"]["PDF"]
    assert told["qt"]["SVG icon by plug-in"]
    assert {"CPU", "GPU", "NPU", "AUTO"} == set(told["devices"])


def test_another_version_fails(tmp_path: Path) -> None:
    other = saying("bachview 0.0.0 (commit unknown)")
    trial = checks.Trial(other, other, tmp_path, tmp_path, tmp_path, ())
    with pytest.raises(InstallerError, match=r"bachview 0\.0\.0"):
        checks.version(trial)


def test_another_exit_code_is_told_with_what_was_said() -> None:
    with pytest.raises(InstallerError, match=r"exit code 3, not 0: out of order"):
        saying("out of order", 3).run("info")


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(InstallerError, match="did not run"):
        Program(("/nowhere/bachview",), "/nowhere").run("--version")


def test_a_program_gets_nothing_of_this_environment(
    source: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/elsewhere")
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    told = json.loads(Program((sys.executable, "-c", script), "/home/x").run().stdout)
    assert told["BACHVIEW_HOME"] == "/home/x"
    assert not {"PYTHONPATH", "LD_LIBRARY_PATH", "DISPLAY"} & set(told)


@pytest.mark.parametrize(
    "ours", ["class,p\nNormal,0.25\n", "class,p\nNormal,0.250\n", "class,p\n", ""]
)
def test_a_table_must_be_the_same_to_the_digit(tmp_path: Path, ours: str) -> None:
    theirs = "class,p\nNormal,0.25\n"
    for side, text in (("ours", ours), ("theirs", theirs)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "x.csv").write_text(text)
    pair = (tmp_path / "ours" / "x.csv", tmp_path / "theirs" / "x.csv")
    if ours == theirs:
        checks.require_same(*pair)
        return
    with pytest.raises(InstallerError, match=r"x\.csv differs"):
        checks.require_same(*pair)


@pytest.mark.parametrize(
    ("height", "width", "is_same"), [(0, 0, True), (15, 120, True), (60, 60, False)]
)
def test_a_picture_may_differ_in_the_time_that_its_legend_says(
    tmp_path: Path, height: int, width: int, is_same: bool
) -> None:
    pair = (tmp_path / "ours.png", tmp_path / "theirs.png")
    for path, grey in zip(pair, (0, 200), strict=True):
        pixels = np.zeros((200, 400, 3), np.uint8)
        pixels[20 : 20 + height, 30 : 30 + width] = grey
        Image.fromarray(pixels).save(path)
    if is_same:
        checks.require_same(*pair)
        return
    with pytest.raises(InstallerError, match="picture"):
        checks.require_same(*pair)


def test_what_must_stay_out_is_found(tmp_path: Path) -> None:
    (tmp_path / "_internal" / "numpy").mkdir(parents=True)
    assert contents(tmp_path).startswith("2 files")
    (tmp_path / "_internal" / "torch").mkdir()
    with pytest.raises(InstallerError, match="torch"):
        contents(tmp_path)


def test_one_failed_check_fails_the_whole(
    trial: checks.Trial,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(trial: checks.Trial) -> str:
        raise InstallerError("it is broken")

    def whole(trial: checks.Trial) -> str:
        return "it is whole"

    monkeypatch.setattr("tools.installers.check_frozen.make_trial", lambda *_: trial)
    monkeypatch.setattr("tools.installers.check_frozen.CHECKS", (broken, whole))
    assert not run_checks(trial.program, tmp_path / "a", None)
    assert capsys.readouterr().out.splitlines() == [
        "FAILED  broken: it is broken",
        "ok      whole: it is whole",
    ]
    monkeypatch.setattr("tools.installers.check_frozen.CHECKS", (whole,))
    assert run_checks(trial.program, tmp_path / "b", None)
