"""LZW segments: right ones decode, damaged ones are errors and never the end of the process."""

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bachview.slide.formats.tiff_codecs import decode_lzw
from tests.support.slides import gradient

PICTURE = gradient(80, 60)
ENCODED = bytes(imagecodecs.lzw_encode(PICTURE.tobytes()))


def test_a_whole_segment_is_decoded() -> None:
    assert decode_lzw(ENCODED, 240, 60) == PICTURE.tobytes()
    assert decode_lzw(ENCODED, 240, 40) == PICTURE[:40].tobytes()


def test_a_large_strip_is_no_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever limit Pillow has at that moment; the caller checked the size."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert decode_lzw(ENCODED, 240, 60) == PICTURE.tobytes()


@pytest.mark.parametrize("share", [0, 0.1, 0.9])
def test_a_truncated_segment_is_an_error(share: float) -> None:
    with pytest.raises(OSError):
        decode_lzw(ENCODED[: int(len(ENCODED) * share)], 240, 60)


@given(st.lists(st.tuples(st.integers(0, len(ENCODED) - 1), st.integers(0, 255)), min_size=1))
def test_damage_gives_an_error_or_the_right_number_of_bytes(changes: list[tuple[int, int]]) -> None:
    data = bytearray(ENCODED)
    for place, value in changes:
        data[place] = value
    try:
        found = decode_lzw(bytes(data), 240, 60)
    except OSError:
        return
    assert np.frombuffer(found, np.uint8).size == PICTURE.size
