"""The audit log: every action has its line before its result, and nothing waits for a share."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bachview
from bachview import audit
from bachview.config import user_folders
from tests.support.cli import Cli
from tests.support.policies import set_policy
from tests.support.windows import pink_slide


@pytest.fixture
def folder(own_policy: Path, tmp_path: Path) -> Path:
    """The folder of the audit log that the policy asks for."""
    path = tmp_path / "audit"
    path.mkdir()
    set_policy(own_policy, f'audit_folder = "{path.as_posix()}"')
    return path


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the user is told of trouble with the log."""
    sentences: list[str] = []
    with audit.trouble_told_to(sentences.append):
        yield sentences


def entries(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("bachview-audit-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("ascii").splitlines()]


def kept() -> list[Path]:
    return list(user_folders().logs.glob("audit-unsent-*"))


def test_without_a_policy_nothing_is_written(tmp_path: Path, told: list[str]) -> None:
    audit.record("opened", file="a")
    assert not told
    assert not kept()
    assert not list(tmp_path.rglob("*audit*"))


def test_a_line_says_who_where_when_and_what(folder: Path) -> None:
    audit.record("opened", file="/s/änna\udcf6.svs", fingerprint="q1:1")
    audit.record("export", names=False)
    first, second = entries(folder)
    assert first["action"] == "opened"
    assert first["file"] == "/s/änna\udcf6.svs"
    assert (first["process"], first["version"]) == (os.getpid(), bachview.__version__)
    assert first["user"]
    assert first["host"]
    assert first["time"].endswith("+00:00")
    assert first["time"] <= second["time"]
    assert first["id"] != second["id"]
    assert second["names"] is False
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o007 == 0  # names of slides are for the auditors
    assert first["user"] in file.name


def test_no_variable_says_who(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    audit.record("opened")
    assert entries(folder)[0]["user"] != "somebody-else"


def test_commands_leave_their_lines(cli: Cli, folder: Path, tmp_path: Path) -> None:
    slide, out = pink_slide(tmp_path / "anna.tif", side=700), tmp_path / "out"
    answer = cli("classify", slide, "-o", out, "--bundle", "selftest", "--no-names")
    assert answer.code == 0
    opened, classify, classified, export = entries(folder)
    assert [e["action"] for e in (opened, classify, classified, export)] == [
        "opened",
        "classify",
        "classified",
        "export",
    ]
    for entry in (opened, classify, classified, export):
        assert entry["file"] == str(slide)
        assert entry["fingerprint"] == opened["fingerprint"]
    with bachview.open_slide(slide) as found:
        assert opened["fingerprint"] == found.properties["bachview.fingerprint"]
    assert classify["cells"] == classify["new"] == classified["new"] > 0
    assert classified["outcome"] == "finished"
    assert classified["region"] is None
    assert export["names"] is False
    assert str(out / "summary.json") in export["output"]
    assert all(Path(path).exists() for path in export["output"])

    cli("results", "clear", slide, "--all", "--yes")
    clear = entries(folder)[-1]
    assert clear["action"] == "clear"
    assert clear["fingerprint"] == opened["fingerprint"]
    assert clear["bundle_sha256"] == classify["bundle_sha256"]


def test_photos_leave_their_lines(cli: Cli, folder: Path, tmp_path: Path) -> None:
    photos = [pink_slide(tmp_path / f"{name}.tif", side=600) for name in "ab"]
    table = tmp_path / "classes.csv"
    assert cli("predict", "selftest", *photos, "-o", table, "--anyway").code == 0
    found = entries(folder)
    assert {e["file"] for e in found if e["action"] == "opened"} == {str(p) for p in photos}
    classified = [e for e in found if e["action"] == "classified"]
    assert [e["file"] for e in classified] == [str(p) for p in photos]
    assert all(e["outcome"] == "classified" for e in classified)
    assert found[-1]["action"] == "export"
    assert found[-1]["output"] == [str(table)]


def test_a_saved_file_has_a_line(folder: Path, tmp_path: Path) -> None:
    slide = pink_slide(tmp_path / "a.tif", side=600)
    with bachview.open_slide(slide) as opened, bachview.load_ensemble("selftest") as ensemble:
        bachview.classify(opened, ensemble).to_csv(tmp_path / "a.csv", names=False)
    assert entries(folder)[-1]["output"] == [str(tmp_path / "a.csv")]


def test_the_line_is_written_before_the_files(folder: Path, cli: Cli, tmp_path: Path) -> None:
    slide, out = pink_slide(tmp_path / "a.tif", side=600), tmp_path / "out"
    out.mkdir()
    (out / "predictions.csv").mkdir()  # so that nothing can be written
    assert cli("classify", slide, "-o", out, "--bundle", "selftest").code == 3
    assert entries(folder)[-1]["action"] == "export"


def test_lines_are_kept_while_the_folder_is_gone_and_then_written(
    folder: Path, told: list[str]
) -> None:
    folder.rmdir()
    audit.record("opened", file="first")
    audit.record("opened", file="second")
    assert len(told) == 1  # once, not for each
    assert "No such file" in told[0]
    assert "kept on this computer" in told[0]
    assert not folder.exists()  # an empty folder below a mount point would swallow the log
    folder.mkdir()
    audit.record("opened", file="third")
    assert [e["file"] for e in entries(folder)] == ["first", "second", "third"]
    assert not kept()
    folder.rename(folder.with_name("moved"))
    audit.record("opened", file="fourth")
    assert len(told) == 2


def test_lines_of_a_process_that_has_ended_are_written_by_the_next(
    folder: Path, own_policy: Path
) -> None:
    folder.rmdir()
    program = (
        "from pathlib import Path; from bachview.policy import places; import sys;"
        "places.computer_policy = lambda: Path(sys.argv[1]);"
        "from bachview import audit; audit.record('opened', file='earlier')"
    )
    subprocess.run([sys.executable, "-c", program, str(own_policy)], check=True)
    assert len(kept()) == 1
    folder.mkdir()
    audit.record("opened", file="now")
    assert [e["file"] for e in entries(folder)] == ["earlier", "now"]
    assert not kept()


def test_a_share_that_does_not_answer_holds_nothing_up(
    folder: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release, asked = threading.Event(), []

    def stuck(place: Path, line: bytes) -> None:
        asked.append(line)
        release.wait(30)

    monkeypatch.setattr(audit, "_append", stuck)
    monkeypatch.setattr(audit, "WAIT_S", 0.05)
    audit.record("opened", file="first")
    assert "does not answer" in told[0]
    for number in range(20):
        audit.record("opened", file=f"{number}")
    assert len(asked) == 1  # nobody waits a second time
    assert len(told) == 1
    assert not entries(folder)
    lines = b"".join(path.read_bytes() for path in kept()).splitlines()
    assert len(lines) == 21
    release.set()


def test_a_line_that_is_kept_while_earlier_ones_are_written_is_not_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.rmdir()
    audit.record("opened", file="first")
    folder.mkdir()
    add, is_held, release, threads = audit._add, threading.Event(), threading.Event(), []

    def slow(path: Path, content: bytes) -> None:
        if path.parent == folder:
            threads.append(threading.current_thread())
            is_held.set()
            release.wait(30)
        add(path, content)

    monkeypatch.setattr(audit, "_add", slow)
    monkeypatch.setattr(audit, "WAIT_S", 0.05)
    audit.record("opened", file="second")  # writes the first line meanwhile, and is kept
    assert is_held.wait(30)
    release.set()
    threads[0].join(30)
    monkeypatch.setattr(audit, "WAIT_S", 30)
    audit.record("opened", file="third")
    assert {e["file"] for e in entries(folder)} == {"first", "second", "third"}
    # The one that came late, and was kept for that, is there twice; one may tell by its id.
    ids = [e["id"] for e in entries(folder)]
    assert (len(ids), len(set(ids))) == (4, 3)
    assert not kept()


def test_no_kept_file_takes_the_place_of_another(folder: Path) -> None:
    logs = user_folders().logs
    logs.mkdir(parents=True, exist_ok=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    # Of a process that has ended, and of an attempt of this one that failed.
    (logs / f"audit-unsent-{ended.pid}.jsonl").write_text('{"file": "theirs"}\n')
    (logs / f"audit-unsent-{os.getpid()}-0.jsonl").write_text('{"file": "mine"}\n')
    (logs / f"audit-unsent-{os.getpid()}-2.jsonl").write_text('{"file": "mine, too"}\n')
    audit.record("opened", file="now")
    assert {e["file"] for e in entries(folder)} == {"theirs", "mine", "mine, too", "now"}
    assert not kept()


def test_without_any_place_that_is_told(
    folder: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.rmdir()
    logs = user_folders().logs
    logs.parent.mkdir(parents=True, exist_ok=True)
    logs.write_text("no folder", "utf-8")
    audit.record("opened")
    assert "cannot be kept on this computer; tell your administrator" in told[0]


def test_a_command_tells_of_it_and_does_its_work(cli: Cli, folder: Path, tmp_path: Path) -> None:
    folder.rmdir()
    answer = cli("info", pink_slide(tmp_path / "a.tif", side=600))
    assert answer.code == 0
    assert "fingerprint" in answer.out
    assert f"The audit log in {folder} cannot be written" in answer.err


def test_many_threads_write_whole_lines(folder: Path) -> None:
    def write() -> None:
        for _ in range(5):
            audit.record("opened", file="x" * 2000)

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entries(folder)) == 30
