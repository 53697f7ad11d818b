"""Results and bundles of a newer program: refused with a sentence at every door, and unchanged."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import bachview
from bachview.config import user_folders
from bachview.models.bundle.manifest import SCHEMA_VERSION as BUNDLE_FORMAT
from bachview.store.schema import SCHEMA_VERSION as STORE_FORMAT
from bachview.ui.session.run_status import RunState
from tests.support.bundles import edit_manifest, packed, unpacked
from tests.support.cli import Cli
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

SMALL = ("--region", "0", "0", "300", "300")


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A slide, and a folder with its results; read only."""
    folder = tmp_path_factory.mktemp("classified")
    slide = pink_slide(folder / "slide.tiff")
    with bachview.open_slide(slide) as opened, bachview.load_ensemble("selftest") as ensemble:
        region = bachview.Region(0, 0, 300, 300)
        bachview.classify(opened, ensemble, region=region, keep=folder / "results")
    return slide, folder / "results"


@pytest.fixture
def newer_results(classified: tuple[Path, Path]) -> Callable[[], None]:
    """Results of a newer program in the user's folder; call it to see that they are unchanged."""
    results = user_folders().results
    shutil.copytree(classified[1], results)
    (path,) = results.glob("*.sqlite")
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA user_version = {STORE_FORMAT + 1}")
    before = path.read_bytes()

    def check() -> None:
        assert path.read_bytes() == before
        assert list(results.glob("*.sqlite")) == [path]

    return check


@pytest.fixture
def newer_bundle(tmp_path: Path) -> Path:
    folder = unpacked(tmp_path / "newer")
    edit_manifest(folder, lambda document: document.update(schema_version=BUNDLE_FORMAT + 1))
    return packed(folder, tmp_path / "newer.bachmodel")


@pytest.mark.parametrize(
    "command",
    [
        ("classify", "SLIDE", "--bundle", "selftest", *SMALL, "--output", "OUT"),
        ("results", "list", "SLIDE"),
        ("results", "clear", "SLIDE", "--all", "--yes"),
        ("results", "clear", "SLIDE", "--all", "--yes", "--force"),
        ("results", "export", "SLIDE", "--output", "OUT"),
    ],
    ids=" ".join,
)
def test_commands_refuse_results_of_a_newer_program(
    cli: Cli,
    classified: tuple[Path, Path],
    newer_results: Callable[[], None],
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    places = {"SLIDE": classified[0], "OUT": tmp_path / "out"}
    answer = cli(*(places.get(word, word) for word in command))
    assert answer.code == 3
    assert "was written by a newer bachview" in answer.err
    assert "update bachview" in answer.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    newer_results()


def test_a_list_of_all_results_names_those_of_a_newer_program(
    cli: Cli, newer_results: Callable[[], None]
) -> None:
    (file,) = cli("results", "list", "--json").document["files"]
    assert "newer bachview" in file["problem"]
    newer_results()


def test_python_refuses_results_of_a_newer_program(
    classified: tuple[Path, Path], newer_results: Callable[[], None]
) -> None:
    with (
        bachview.open_slide(classified[0]) as slide,
        bachview.load_ensemble("selftest") as ensemble,
        pytest.raises(bachview.BachviewError, match="newer bachview"),
    ):
        bachview.classify(slide, ensemble, keep=True)
    newer_results()


def test_the_window_classifies_beside_results_of_a_newer_program(
    qtbot: QtBot, classified: tuple[Path, Path], newer_results: Callable[[], None]
) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, classified[0])
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
        texts = " ".join(window.messages.texts)
        assert "was written by a newer bachview" in texts
        assert "Results are kept only until the slide is closed" in texts
    newer_results()


def test_commands_and_python_refuse_a_bundle_of_a_newer_program(
    cli: Cli, classified: tuple[Path, Path], newer_bundle: Path, tmp_path: Path
) -> None:
    before = newer_bundle.read_bytes()
    classify = ("classify", classified[0], "--bundle", newer_bundle, "--output", tmp_path / "out")
    for command in (classify, ("bundle", "verify", newer_bundle, "--json")):
        answer = cli(*command)
        assert answer.code == 3
        said = answer.out + answer.err
        assert f"format version {BUNDLE_FORMAT + 1}" in said
        assert "update the program" in said
    with pytest.raises(bachview.BachviewError, match="update the program"):
        bachview.load_ensemble(str(newer_bundle))
    assert newer_bundle.read_bytes() == before
    assert not user_folders().results.exists()


def test_the_window_keeps_its_bundle_if_another_is_of_a_newer_program(
    qtbot: QtBot, newer_bundle: Path
) -> None:
    with open_window(qtbot) as window:
        before = window.selector.current
        window.selector.choose(str(newer_bundle))
        qtbot.waitUntil(lambda: not window.selector.is_loading, timeout=LONG_MS)
        assert any("update the program" in text for text in window.messages.texts)
        assert window.selector.current is before
