"""Mutations of bytes and of text, reproducible from the generator that they are given."""

import random
import re

_NUMBERS = (b"0", b"-1", b"1e999", b"nan", b"65536", b"4294967295", b"-2147483648", b"9" * 4000)
_WORDS = (b"", b"\x00", b"\xff\xfe", b"null", b"true", b"[]", b"{}", b"'", b'"', b"<", b"../../x")
_INTEGERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(seed: bytes, draw: random.Random, *, is_text: bool, head: int = 4096) -> bytes:
    """`seed` with one to four changes; half of those in binaries are in the first `head` bytes."""
    content = bytearray(seed)
    for _ in range(draw.randint(1, 4)):
        if is_text and draw.random() < 0.7:
            content = _text_change(content, draw)
        else:
            reach = len(content) if draw.random() < 0.5 else min(head, len(content))
            content = _byte_change(content, draw, reach)
    return bytes(content)


def _byte_change(content: bytearray, draw: random.Random, reach: int) -> bytearray:
    at = draw.randrange(max(reach, 1))
    match draw.randrange(6):
        case 0:
            content[at : at + 1] = bytes([draw.randrange(256)])
        case 1 if at < len(content):
            content[at] ^= 1 << draw.randrange(8)
        case 2:
            width = draw.choice((2, 4, 8))
            order = draw.choice(("little", "big"))
            value = draw.choice(_INTEGERS) % (1 << 8 * width)
            content[at : at + width] = value.to_bytes(
                width, "little" if order == "little" else "big"
            )
        case 3:
            del content[at : at + draw.randint(1, 64)]
        case 4:
            start = draw.randrange(max(len(content), 1))
            content[at:at] = content[start : start + draw.randint(1, 64)]
        case 5 if draw.random() < 0.3:
            del content[at:]
    return content


def _text_change(content: bytearray, draw: random.Random) -> bytearray:
    """Another number or word in the place of one that is there, or a piece moved."""
    pattern = draw.choice((rb"-?\d+(?:\.\d+)?", rb"\w+", rb"\"[^\"\n]*\"", rb"[^\n]*\n"))
    found = list(re.finditer(pattern, content))
    if not found:
        return content
    place, other = draw.choice(found), draw.choice(found)
    new = draw.choice((*_NUMBERS, *_WORDS, bytes(other[0]), bytes(place[0]) * 2))
    content[place.start() : place.end()] = new
    return content
