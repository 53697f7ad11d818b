"""Version, commit and date: what a build states, what a source tree knows, what nobody knows."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bachview.build_info import FILE_NAME, BuildInfo, Commit, build_info, commit_of
from bachview.version import __version__

ROOT = Path(__file__).resolve().parents[1]
NAME = "4445772bc0de4445772bc0de4445772bc0de4445"
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A git clone of one commit, with a package."""
    root = tmp_path / "clone"
    (root / "bachview").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    _git(root, "init", "--quiet")
    _git(root, "add", ".")
    _git(root, "commit", "--quiet", "--message", "first")
    return root


def _git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *who, "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("info", "text"),
    [
        (
            BuildInfo("1.2", Commit(NAME, False), NOON),
            "1.2 (commit 4445772bc0de, built 2026-11-28)",
        ),
        (BuildInfo("1.2", None, NOON), "1.2 (built 2026-11-28)"),
        (
            BuildInfo("1.2", Commit(NAME, True), None, source_tree=True),
            "1.2 (source tree, commit 4445772bc0de with changes)",
        ),
        (BuildInfo("1.2"), "1.2 (commit and build date unknown)"),
    ],
)
def test_a_build_says_what_it_is_in_one_line(info: BuildInfo, text: str) -> None:
    assert str(info) == text


def test_an_installed_program_states_what_its_build_wrote(tmp_path: Path) -> None:
    written = BuildInfo(__version__, Commit(NAME, False), NOON)
    (tmp_path / FILE_NAME).write_text(written.to_json())
    assert build_info(tmp_path) == written


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        '{"version": "0.0.0", "commit": null, "changed": null, "built": null}',
        BuildInfo(__version__, Commit(NAME, False), NOON).to_json().replace("2026-11", "today"),
    ],
    ids=["no file", "empty", "no object", "another version", "no date"],
)
def test_what_no_file_states_is_unknown(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / FILE_NAME).write_text(text)
    assert build_info(tmp_path, ask_git=True) == BuildInfo(__version__)


def test_a_source_tree_asks_git_only_if_it_is_told_to(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Commit(_git(source, "rev-parse", "HEAD"), changed=False)
    assert build_info(source / "bachview", ask_git=True).commit == commit
    (source / "pyproject.toml").write_text("changed")
    changed = build_info(source / "bachview", ask_git=True).commit
    assert changed == Commit(commit.name, changed=True)

    def run(*_: object, **__: object) -> None:
        raise AssertionError("git was asked")

    monkeypatch.setattr(subprocess, "run", run)
    assert str(build_info(source / "bachview")) == f"{__version__} (source tree)"


def test_a_file_left_in_a_source_tree_is_not_believed(source: Path) -> None:
    (source / "bachview" / FILE_NAME).write_text(
        BuildInfo(__version__, Commit(NAME, False), NOON).to_json()
    )
    assert build_info(source / "bachview").commit is None


def test_a_copy_without_git_inside_another_clone_has_no_commit(source: Path) -> None:
    copy = source / "copy"
    copy.mkdir()
    assert commit_of(copy) is None


def test_without_git_the_commit_of_a_source_tree_is_unknown(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert str(build_info(source / "bachview", ask_git=True)) == f"{__version__} (source tree)"


def test_the_version_is_stated_in_one_place() -> None:
    """Every other file imports it: no literal of it, no other assignment to it."""
    assignment = re.compile(r"^\s*(?:__version__|VERSION)\b[^=\n]*=\s*[\"']\d", re.MULTILINE)
    files = [*(ROOT / "bachview").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    stated = [path for path in files if assignment.search(path.read_text("utf-8"))]
    assert stated == [ROOT / "bachview" / "version.py"]
    assert not re.search(r"^version\s*=", (ROOT / "pyproject.toml").read_text("utf-8"), re.M)


def test_importing_the_package_starts_no_other_program() -> None:
    program = (
        "import sys\n"
        "sys.addaudithook(lambda event, _: event == 'subprocess.Popen' and sys.exit(event))\n"
        "import bachview.build_info, bachview.cli.main, bachview.logs\n"
        "bachview.build_info.build_info()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
