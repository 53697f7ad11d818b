"""Commands in processes of their own, whose streams and disks are not what one hopes for."""

import contextlib
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bachview.cli import info
from bachview.file_names import printable
from bachview.phantom.writer import write_phantom
from tests.support.cli import Cli

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX's files and pipes")

COMMANDS = [["info", "slide.tiff"], ["info", "slide.tiff", "--json"], ["--help"], ["--version"]]
#: A name that is no UTF-8, as a file system may hold it.
ODD = os.fsdecode(b"od\xffd")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    write_phantom(folder / "slide.tiff", width=512, height=512)
    return folder


def started(place: Path, *arguments: str, redirected: str = "") -> "subprocess.Popen[bytes]":
    """The command in a shell that redirects its streams."""
    return subprocess.Popen(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "bachview", *arguments],
        cwd=place,
        env={**os.environ, "BACHVIEW_HOME": str(place / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def told(process: "subprocess.Popen[bytes]") -> str:
    return process.communicate()[1].decode()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_ends_a_command_quietly(place: Path, command: list[str]) -> None:
    process = started(place, *command)
    assert process.stdout is not None
    process.stdout.close()
    assert told(process) == ""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_full_standard_output_is_a_sentence(place: Path, command: list[str]) -> None:
    process = started(place, *command, redirected=">/dev/full")
    sentences = told(process).splitlines()
    assert process.returncode == 3
    assert len(sentences) == 1
    assert os.strerror(errno.ENOSPC) in sentences[0]


@pytest.mark.parametrize("redirected", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "2>/dev/full"])
@pytest.mark.parametrize("command", [*COMMANDS[:2], ["info", "gone.tiff"]], ids=" ".join)
def test_a_stream_that_is_closed_changes_no_outcome(
    place: Path, command: list[str], redirected: str
) -> None:
    if redirected == "2>/dev/full" and not Path("/dev/full").exists():
        pytest.skip("no full device here")
    process = started(place, *command, redirected=redirected)
    said = told(process)
    assert "Traceback" not in said
    assert "bug" not in said
    assert process.returncode == (3 if "gone.tiff" in command else 0)


def test_file_names_that_are_not_utf_8_are_read_and_written(place: Path) -> None:
    folder = place / ODD
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    slide = str(folder / f"{ODD}.tiff")
    process = started(place, "phantom", slide, "--width", "512", "--height", "512")
    assert "od\\xffd.tiff" in told(process)
    assert process.returncode == 0
    answer = started(place, "--verbose", "info", slide, "--json")
    out, err = answer.communicate()
    assert (answer.returncode, err) == (0, b"")
    assert json.loads(out)["path"] == printable(slide)


@contextlib.contextmanager
def read_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that refuses every change, as its own kind does: also taking away what is not."""

    def refuse(self: Path, *arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    with monkeypatch.context() as patch:
        for name in ("open", "unlink", "mkdir", "touch", "write_text", "write_bytes", "rename"):
            patch.setattr(Path, name, refuse)
        yield


def test_phantom_on_a_read_only_disk(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_folders: Path
) -> None:
    (own_folders / "logs").mkdir(parents=True, exist_ok=True)
    with monkeypatch.context() as patch:
        patch.setattr("bachview.cli.main.start_logging", lambda *_, **__: None)
        with read_only(patch):
            answer = cli("phantom", tmp_path / "x.tiff", "--width", "512", "--height", "512")
    assert answer.code == 3
    assert os.strerror(errno.EROFS) in answer.err
    assert len(answer.err.splitlines()) == 1


def test_what_the_machine_refuses_is_no_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object, **options: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some.file")

    monkeypatch.setattr(info, "show_info", refused)
    answer = cli("info", "x.svs")
    assert answer.code == 3
    assert "some.file" in answer.err


@pytest.mark.parametrize(
    "number", ["7" * 4000, "7" * 8000, "0x" + "7" * 8000], ids=["long", "longer", "hexadecimal"]
)
@pytest.mark.parametrize("key", ["seed", "mpp"])
def test_a_number_of_thousands_of_digits_in_a_recipe(
    cli: Cli, tmp_path: Path, key: str, number: str
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"{key} = {number}\n", encoding="utf-8")
    answer = cli("train", tmp_path, "--recipe", recipe, "--output", tmp_path / "out")
    assert answer.code == 3
    assert "recipe.toml" in answer.err
    assert len(answer.err) < 300


def test_what_pillow_thinks_of_metadata_is_no_message_for_the_user(place: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker of cameras"
    Image.new("RGB", (64, 48)).save(place / "photo.jpg", exif=exif.tobytes()[:-9])
    process = started(place, "info", "photo.jpg")
    assert told(process) == ""
    assert process.returncode == 0
