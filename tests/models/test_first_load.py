"""A bundle that ends the process that loads it must not end this one."""

import importlib.metadata
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bachview.config import user_folders
from bachview.errors import BundleError, Cancelled, EngineError
from bachview.jobs.tokens import CancelToken
from bachview.models import first_load
from bachview.models.bundle.opened import open_bundle
from bachview.models.first_load import try_in_child
from bachview.models.known_bundles import KnownBundles
from bachview.models.loading import load_ensemble
from bachview.models.verification import verify_bundle
from tests.support.bundles import edit_manifest, rehash, selftest_path, unpacked

ASKED = ("openvino", "CPU", "f32")
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
HANGS = "import time; time.sleep(600)"
#: The child itself, with the check switched off that refuses the graphs known to crash.
UNGUARDED = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import bachview.models.engines.graph
bachview.models.engines.graph.check_graph_file = lambda *_: None
from bachview.models.first_load_child import main
main(sys.argv[2:])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle that is new to this computer."""
    return edit_manifest(unpacked(tmp_path / "bundle"), lambda d: d.update(name="New"))


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The bundles for which a child was started; each child is content at once."""
    started: list[Path] = []

    def command(path: Path, sha256: str, asked: tuple[str, str, str]) -> list[str]:
        started.append(path)
        return [sys.executable, "-c", ""]

    monkeypatch.setattr(first_load, "command", command)
    return started


@pytest.fixture
def child_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program in the child's place."""

    def replace(program: str) -> None:
        monkeypatch.setattr(
            first_load,
            "command",
            lambda path, sha256, asked: [
                *(sys.executable, "-c", program, json.dumps(sys.path)),
                *(str(path), sha256, *asked),
            ],
        )

    return replace


def test_a_bundle_that_ends_its_process_is_refused_in_a_sentence(
    folder: Path, child_is: Callable[[str], None]
) -> None:
    child_is(DIES)
    with pytest.raises(BundleError, match=r"^The model bundle ended the process .*SIGSEGV"):
        load_ensemble(folder)
    checks = verify_bundle(folder)
    assert [check.ok for check in checks] == [True, True, True, False]
    assert not KnownBundles().holds(open_bundle(folder).sha256, ("openvino", "AUTO", "auto"))


def test_a_graph_that_crashes_openvino_ends_the_child_only(
    folder: Path, child_is: Callable[[str], None]
) -> None:
    graph = folder / "cnn.xml"
    graph.write_text(graph.read_text().replace('type="SoftMax"', 'type="ReadValue"', 1))
    rehash(folder)
    child_is(UNGUARDED)
    checks = verify_bundle(folder, device="CPU", precision="f32")
    assert [check.name for check in checks] == [
        *(check.name for check in verify_bundle(selftest_path(), device="CPU", precision="f32"))
    ]
    assert [check.ok for check in checks] == [True] * (len(checks) - 1) + [False]
    assert "ended the process" in checks[-1].message
    assert "networks)" in checks[-1].message


def test_a_bundle_that_never_ends_is_given_up(
    folder: Path, child_is: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    child_is(HANGS)
    monkeypatch.setattr(first_load, "LIMIT_S", 0.2)
    with pytest.raises(BundleError, match="not done after"):
        load_ensemble(folder)
    assert not psutil.Process().children()


def test_a_cancel_ends_the_child(folder: Path, child_is: Callable[[str], None]) -> None:
    child_is(HANGS)
    token = CancelToken()
    timer = threading.Timer(0.3, token.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        load_ensemble(folder, token=token)
    timer.join()
    assert not psutil.Process().children()


#: Loads with a child that hangs in the middle of its work.
ABANDONS = """
import sys
from pathlib import Path
from bachview.models import first_load
HANGS = (
    "import json, sys, time; sys.path[:] = json.loads(sys.argv[1]);"
    "from bachview.models.loading import Loading; Loading.steps = lambda _: iter([('x', wait)]);"
    "wait = lambda: [time.sleep(1) for _ in range(600)];"
    "from bachview.models.first_load_child import main; main(sys.argv[3:])"
)
usual = first_load.command
first_load.command = lambda *a: [HANGS if "import" in part else part for part in usual(*a)]
first_load.try_in_child(Path(sys.argv[1]), "0", ("openvino", "CPU", "f32"), None)
"""


def test_a_child_ends_with_its_parent(folder: Path) -> None:
    parent = psutil.Popen([sys.executable, "-c", ABANDONS, str(folder)])
    try:
        while not (children := parent.children()):
            assert parent.is_running()
            time.sleep(0.02)
        time.sleep(1)  # until it is at work; the end is heard before as well
        assert children[0].is_running()
    finally:
        parent.kill()
        parent.wait()
    assert not psutil.wait_procs(children, timeout=30)[1]


def test_a_child_that_cannot_be_started_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_load, "command", lambda *_: [str(tmp_path / "nothing")])
    with pytest.raises(EngineError, match="cannot be started"):
        load_ensemble(folder)


def test_a_bundle_is_tried_once(folder: Path, children: list[Path]) -> None:
    for _ in range(2):
        load_ensemble(folder, device="CPU", precision="f32").close()
    assert children == [folder]
    load_ensemble(folder, device="CPU", precision="bf16").close()
    assert children == [folder, folder]  # other code computes


def test_another_release_of_a_library_tries_it_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownBundles()
    known.add("a" * 64, ASKED)
    assert known.holds("a" * 64, ASKED)
    usual = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: usual(name) + ".1" * (name == "openvino")
    )
    assert not known.holds("a" * 64, ASKED)


def test_what_came_with_the_program_is_not_tried(children: list[Path]) -> None:
    load_ensemble(selftest_path()).close()
    assert not children


def test_what_the_program_made_is_known_to_every_engine(folder: Path, children: list[Path]) -> None:
    with open_bundle(folder) as bundle:
        KnownBundles().add_own(bundle.sha256)
    load_ensemble(folder, device="CPU").close()
    assert not children


def test_errors_arrive_as_what_they_are(folder: Path) -> None:
    with pytest.raises(EngineError, match="no NPU"):
        load_ensemble(folder, device="NPU")


def test_the_child_loads_what_was_asked_for_and_nothing_else(folder: Path) -> None:
    refusal = try_in_child(folder, "0" * 64, ASKED, None)
    assert refusal is not None
    assert isinstance(refusal.error, BundleError)
    assert "was changed while it was being loaded" in str(refusal.error)


def test_the_working_folder_gives_the_child_no_code(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    (tmp_path / "json.py").write_text(f"open({str(run)!r}, 'w')\nraise SystemExit(7)\n")
    (tmp_path / "bachview.py").write_text((tmp_path / "json.py").read_text())
    monkeypatch.chdir(tmp_path)
    load_ensemble(folder, device="CPU", precision="f32").close()
    assert not run.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\x00\n" * 100_000, b"not hexadecimal\n", None])
def test_a_damaged_list_is_begun_anew(content: bytes | None) -> None:
    file = user_folders().data / "known-bundles.txt"
    file.parent.mkdir(parents=True)
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    known = KnownBundles()
    assert not known.holds("a" * 64, ASKED)
    known.add("a" * 64, ASKED)
    assert known.holds("a" * 64, ASKED) is (content is not None)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_list_is_bounded_and_keeps_the_latest(tmp_path: Path) -> None:
    file = tmp_path / "known-bundles.txt"
    file.write_text("".join(f"{number:064x}\n" for number in range(500)))
    known = KnownBundles(file)
    known.add("a" * 64, ASKED)
    known.add("a" * 64, ASKED)
    lines = file.read_text().split()
    assert len(lines) == 500
    assert lines[0] == f"{1:064x}"
    assert known.holds("a" * 64, ASKED)


def test_without_a_folder_of_its_own_every_load_tries(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, children: list[Path]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BACHVIEW_HOME", str(tmp_path / "file" / "home"))
    for _ in range(2):
        load_ensemble(folder, device="CPU", precision="f32").close()
    assert children == [folder, folder]
