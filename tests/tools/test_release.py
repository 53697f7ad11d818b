"""Preparing a release: one version, dated news, and refusals that change nothing."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tools.installers.release import releases
from tools.release import CHANGELOG, UPGRADING, VERSION_FILE, ReleaseError, prepare

DAY = date(2027, 1, 31)
_CHANGELOG = """# Changelog

## Unreleased

### Added

- **Two** things.

## 1.1.0 - 2026-05-01

- One thing.
"""
_UPGRADING = """# Upgrading

## Notes on each version

### Unreleased

- Back up.

### 1.1.0 - 2026-05-01

- Nothing.
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    texts = {
        VERSION_FILE: '"""The version."""\n\n__version__ = "1.1.0"\n',
        CHANGELOG: _CHANGELOG,
        UPGRADING: _UPGRADING,
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def _texts(source: Path) -> list[str]:
    return [(source / name).read_text("utf-8") for name in (VERSION_FILE, CHANGELOG, UPGRADING)]


def test_the_news_get_a_version_and_a_day(source: Path) -> None:
    prepare(source, "1.2.0", DAY)
    version, changelog, upgrading = _texts(source)
    assert version == '"""The version."""\n\n__version__ = "1.2.0"\n'
    assert "## Unreleased\n\n## 1.2.0 - 2027-01-31\n\n### Added\n\n- **Two** things." in changelog
    assert "### Unreleased\n\n### 1.2.0 - 2027-01-31\n\n- Back up." in upgrading
    now = datetime(2028, 1, 1, tzinfo=UTC)
    new, old = releases(source / CHANGELOG, "1.2.0", now=now)  # as the packages read it
    assert (new.version, new.time.date(), new.changes) == ("1.2.0", DAY, ("Two things.",))
    assert old.version == "1.1.0"


def test_a_release_without_upgrade_notes_has_no_heading_there(source: Path) -> None:
    text = _UPGRADING.replace("- Back up.\n\n", "")
    (source / UPGRADING).write_text(text, encoding="utf-8")
    prepare(source, "1.2.0", DAY)
    assert _texts(source)[2] == text


def test_the_first_release_is_that_which_the_source_states(source: Path) -> None:
    (source / CHANGELOG).write_text("# Changelog\n\n## Unreleased\n\n- All.\n", encoding="utf-8")
    prepare(source, "1.1.0", DAY)
    assert "## 1.1.0 - 2027-01-31" in _texts(source)[1]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.1.0", "1.1.0 is released already"),
        ("1.0.9", "1.1.0 is released already"),
        ("2", "2 is no version"),
        ("v1.2.0", "v1.2.0 is no version"),
        ("1.2.0rc1", "1.2.0rc1 is no version"),
    ],
)
def test_a_version_that_cannot_be_is_refused(source: Path, version: str, said: str) -> None:
    before = _texts(source)
    with pytest.raises(ReleaseError, match=said):
        prepare(source, version, DAY)
    assert _texts(source) == before


def test_a_release_of_nothing_is_refused(source: Path) -> None:
    prepare(source, "1.2.0", DAY)
    before = _texts(source)
    with pytest.raises(ReleaseError, match="nothing under “Unreleased”"):
        prepare(source, "1.3.0", DAY)
    assert _texts(source) == before


def test_a_version_before_the_stated_one_is_refused(source: Path) -> None:
    (source / VERSION_FILE).write_text('__version__ = "2.0.0"\n', encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"states version 2\.0\.0"):
        prepare(source, "1.2.0", DAY)


def test_the_command_refuses_in_one_sentence() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "tools.release", "zero"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 3
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""
