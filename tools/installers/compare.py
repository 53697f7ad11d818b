"""What differs between two builds, and in what way: ``python -m tools.installers compare A B``.

A and B are folders, or archives: ``.tar.gz``, ``.zip``, ``.whl``, ``.deb``, AppImage. Times of
files are not compared; exit code 1 if anything else differs.
"""

import argparse
import io
import marshal
import shutil
import stat
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from tools.installers.errors import InstallerError
from tools.installers.frozen_archive import packed_members
from tools.installers.sums import sha256

#: Magic number, flags, and either time and size or a hash of the source.
_PYC_HEADER = 16
#: Of larger files the bytes are not counted.
_LARGE = 1 << 26
_ZIPS = (".zip", ".whl", ".bachmodel")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that differs.

    Attributes
    ----------
    path : in both builds, with ``/``.
    what : in a sentence without the path.
    """

    path: str
    what: str


def compare(first: Path, second: Path) -> list[Difference]:
    """All differences, by path.

    Raises
    ------
    InstallerError
        One is missing, or no folder or archive that can be unpacked here.
    """
    with ExitStack() as stack:
        found: list[Difference] = []
        if first.is_file() and second.is_file() and sha256(first) == sha256(second):
            return found
        folders = [_unpacked(path, stack) for path in (first, second)]
        found += _of_folders(*folders)
        if not found and first.is_file():
            found.append(Difference("", "the archives differ, all that is in them does not"))
        return found


def _unpacked(path: Path, stack: ExitStack) -> Path:
    if path.is_dir():
        return path
    if not path.is_file():
        raise InstallerError(f"{path} is missing.")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-")))
    name = path.name.lower()
    try:
        if name.endswith((".tar.gz", ".tgz", ".tar.xz", ".tar")):
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
        elif name.endswith(_ZIPS):
            with zipfile.ZipFile(path) as packed:
                packed.extractall(folder)  # noqa: S202  # our own builds
        elif name.endswith(".deb"):
            _run("dpkg-deb", "--raw-extract", str(path), str(folder))
        elif name.endswith(".appimage"):
            copy = folder / "image"
            shutil.copy(path, copy)
            copy.chmod(0o755)
            _run(str(copy), "--appimage-extract", cwd=folder)
            copy.unlink()
        else:
            raise InstallerError(f"{path} is no folder and no archive that is known here.")
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise InstallerError(f"{path} cannot be unpacked: {error}.") from error
    return folder


def _run(*command: str, cwd: Path | None = None) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd)
    except FileNotFoundError as error:
        raise InstallerError(f"{command[0]} is missing.") from error
    except subprocess.CalledProcessError as error:
        raise InstallerError(f"{command[0]} failed: {error.stderr.strip()}") from error


def _of_folders(first: Path, second: Path) -> Iterator[Difference]:
    names = [
        {path.relative_to(root).as_posix() for path in root.rglob("*")} for root in (first, second)
    ]
    for name in sorted(names[0] | names[1]):
        if name not in names[1]:
            yield Difference(name, "only in the first")
        elif name not in names[0]:
            yield Difference(name, "only in the second")
        else:
            yield from (Difference(name, what) for what in _of_paths(first / name, second / name))


def _of_paths(first: Path, second: Path) -> Iterator[str]:
    before, after = first.lstat(), second.lstat()
    if stat.S_IFMT(before.st_mode) != stat.S_IFMT(after.st_mode):
        yield "one is a link, a folder or a file, and the other is not"
        return
    if stat.S_ISLNK(before.st_mode):
        if first.readlink() != second.readlink():
            yield f"links to {first.readlink()} and to {second.readlink()}"
        return
    if stat.S_IMODE(before.st_mode) != stat.S_IMODE(after.st_mode):
        yield f"modes {stat.S_IMODE(before.st_mode):o} and {stat.S_IMODE(after.st_mode):o}"
    if stat.S_ISREG(before.st_mode) and sha256(first) != sha256(second):
        yield from _of_contents(first.name, first.read_bytes(), second.read_bytes())


def _of_contents(name: str, first: bytes, second: bytes) -> Iterator[str]:
    """In what way two contents differ that do."""
    if name.endswith(".pyc"):
        yield _of_compiled(first, second, _PYC_HEADER)
    elif first[:4] == second[:4] == b"PK\x03\x04":
        yield from _of_zips(first, second)
    elif (members := _members(first, second)) is not None:
        yield from _of_members(*members)
    elif (texts := _as_texts(first, second)) is not None:
        yield _of_lines(*texts)
    else:
        yield _of_bytes(first, second)


def _of_compiled(first: bytes, second: bytes, header: int) -> str:
    if first[header:] == second[header:]:
        return "compiled module: only the header differs (time or hash of the source)"
    try:
        codes = [marshal.loads(data[header:]) for data in (first, second)]  # noqa: S302  # ours
    except (ValueError, EOFError, TypeError):
        return _of_bytes(first, second)
    if not all(isinstance(code, CodeType) for code in codes):
        return _of_bytes(first, second)
    sources = [code.co_filename for code in codes]
    if sources[0] != sources[1]:
        return f"compiled module: names its source {sources[0]} and {sources[1]}"
    if codes[0] == codes[1]:
        return "compiled module: the same code, written in another way (order of sets, references)"
    return "compiled module: other code"


def _members(first: bytes, second: bytes) -> tuple[dict[str, bytes], dict[str, bytes]] | None:
    """What is packed into two programs of PyInstaller; None if they are something else."""
    members = [packed_members(data) for data in (first, second)]
    return (members[0], members[1]) if members[0] and members[1] else None


def _of_members(first: dict[str, bytes], second: dict[str, bytes]) -> Iterator[str]:
    if list(first) != list(second):
        alone = sorted(first.keys() ^ second.keys())
        yield (
            f"packed: {len(alone)} members are in one only, e.g. {alone[0]}"
            if alone
            else "packed: the members are in another order"
        )
    differing = [
        name for name in sorted(first.keys() & second.keys()) if first[name] != second[name]
    ]
    for name in differing:
        yield f"packed: {name}: {_of_compiled(first[name], second[name], 0)}"
    if not differing and first == second:
        yield "packed: only the packing differs"


def _of_zips(first: bytes, second: bytes) -> Iterator[str]:
    with ExitStack() as stack:
        archives = [
            stack.enter_context(zipfile.ZipFile(io.BytesIO(data))) for data in (first, second)
        ]
        orders = [archive.namelist() for archive in archives]
        names = [set(order) for order in orders]
        differs = sorted(names[0] ^ names[1])
        if differs:
            yield f"zip: {len(differs)} members are in one only, e.g. {differs[0]}"
        elif orders[0] != orders[1]:
            yield "zip: the members are in another order"
        infos = [{info.filename: info for info in archive.infolist()} for archive in archives]
        common = sorted(names[0] & names[1])
        times = [n for n in common if infos[0][n].date_time != infos[1][n].date_time]
        if times:
            yield f"zip: {len(times)} members have other times, e.g. {times[0]}"
        for name in common:
            contents = [archive.read(name) for archive in archives]
            if contents[0] != contents[1]:
                yield from (f"zip: {name}: {what}" for what in _of_contents(name, *contents))


def _as_texts(first: bytes, second: bytes) -> tuple[str, str] | None:
    if b"\0" in first[:4096] or b"\0" in second[:4096]:
        return None
    try:
        return first.decode("utf-8"), second.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _of_lines(first: str, second: str) -> str:
    lines = [first.splitlines(), second.splitlines()]
    if sorted(lines[0]) == sorted(lines[1]):
        return "text: the same lines in another order"
    pairs = enumerate(zip(*lines, strict=False), 1)
    number, (one, other) = next(
        ((number, pair) for number, pair in pairs if pair[0] != pair[1]),
        (min(map(len, lines)) + 1, ("", "more lines")),
    )
    return f"text: from line {number} on, “{one[:80]}” and “{other[:80]}”"


def _of_bytes(first: bytes, second: bytes) -> str:
    if len(first) != len(second):
        return f"{len(first)} and {len(second)} bytes"
    places = (
        [at for at in range(len(first)) if first[at] != second[at]] if len(first) < 1 << 26 else []
    )
    if not places:
        return f"{len(first)} bytes, not the same"
    return f"{len(places)} of {len(first)} bytes, from byte {places[0]} to {places[-1]}"


def main(arguments: Sequence[str]) -> int:
    """Print each difference; 1 if there is one."""
    parser = argparse.ArgumentParser(prog="python -m tools.installers compare", description=__doc__)
    parser.add_argument("first", type=Path, metavar="A")
    parser.add_argument("second", type=Path, metavar="B")
    chosen = parser.parse_args(arguments)
    differences = compare(chosen.first, chosen.second)
    for difference in differences:
        print(f"{difference.path or 'as a whole'}: {difference.what}")
    print(f"{len(differences)} differences." if differences else "They are the same.")
    return 1 if differences else 0
