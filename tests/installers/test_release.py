from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.installers.errors import InstallerError
from tools.installers.release import releases, source_time

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def changelog(folder: Path, text: str) -> Path:
    path = folder / "CHANGELOG.md"
    path.write_text(f"# Changelog\n\n{text}", "utf-8")
    return path


def test_what_is_unreleased_is_the_newest_release(tmp_path: Path) -> None:
    text = """## Unreleased

### Added

- **A thing** with a [link](docs/a.md), told
  on two lines.
- `another`.

## 0.1.0 - 2026-12-01

### Fixed

- A fault.
"""
    newest, first = releases(changelog(tmp_path, text), "0.2.0", now=NOW)
    assert (newest.version, newest.time) == ("0.2.0", NOW)
    assert newest.changes == ("A thing with a link, told on two lines.", "another.")
    assert (first.version, first.time.date().isoformat()) == ("0.1.0", "2026-12-01")


def test_a_version_with_a_heading_is_not_told_twice(tmp_path: Path) -> None:
    text = "## Unreleased\n\n- New.\n\n## [0.1.0] – 2026-12-01\n\n- Old.\n"
    (only,) = releases(changelog(tmp_path, text), "0.1.0", now=NOW)
    assert only.changes == ("Old.",)


@pytest.mark.parametrize("text", ["", "## 0.1.0\n\n- Old.\n", "## What is new in spring\n\n- A.\n"])
def test_a_changelog_that_is_not_one_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InstallerError):
        releases(changelog(tmp_path, text), "0.1.0", now=NOW)


def test_the_time_is_that_which_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    assert source_time() == datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(InstallerError, match="SOURCE_DATE_EPOCH"):
        source_time()
