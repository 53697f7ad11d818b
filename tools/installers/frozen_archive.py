"""What PyInstaller has packed into a program: scripts, and the archive of compiled modules."""

import marshal
import struct
import zlib
from collections.abc import Iterator

_COOKIE = b"MEI\014\013\012\013\016"
_COOKIE_FORMAT = struct.Struct("!8sIIII64s")
_ENTRY_FORMAT = struct.Struct("!IIIIBc")
_MODULES = b"PYZ\0"
#: Behind magic number and that of Python: where the table of the modules is.
_TABLE_AT = 8


def packed_members(program: bytes) -> dict[str, bytes] | None:
    """The unpacked members of a program, those of its archive of modules as ``modules/NAME``.

    None if it is no program of PyInstaller, or one of a form that is not known here.
    """
    at = program.rfind(_COOKIE)
    if at < 0:
        return None
    try:
        return dict(_members(program, at))
    except (struct.error, zlib.error, ValueError, EOFError, TypeError, IndexError):
        return None


def _members(program: bytes, cookie: int) -> Iterator[tuple[str, bytes]]:
    _, length, table, table_length, *_ = _COOKIE_FORMAT.unpack_from(program, cookie)
    start = cookie + _COOKIE_FORMAT.size - length
    at, end = start + table, start + table + table_length
    while at < end:
        entry_length, place, size, _, is_packed, _ = _ENTRY_FORMAT.unpack_from(program, at)
        name = program[at + _ENTRY_FORMAT.size : at + entry_length].rstrip(b"\0").decode()
        content = program[start + place : start + place + size]
        if is_packed:
            content = zlib.decompress(content)
        at += entry_length
        if content.startswith(_MODULES):
            yield from _modules(content)
        else:
            yield name, content
    yield "(loader)", program[:start]


def _modules(archive: bytes) -> Iterator[tuple[str, bytes]]:
    (table,) = struct.unpack_from("!i", archive, _TABLE_AT)
    for name, (_, place, size) in marshal.loads(archive[table:]):  # noqa: S302  # our own build
        packed = archive[place : place + size]
        # A folder without an __init__.py has no code.
        yield f"modules/{name}", zlib.decompress(packed) if packed else b""
