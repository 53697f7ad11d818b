"""The same content has one fingerprint, other content another."""

from pathlib import Path

import pytest

from bachview.slide.fingerprint import sampled_fingerprint, slide_fingerprint


def test_quickhash_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    assert slide_fingerprint(path, "abc") == "q1:abc"
    assert slide_fingerprint(path, None) == sampled_fingerprint(path)
    assert slide_fingerprint(path, "") == sampled_fingerprint(path)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_the_name_does_not_count_and_the_content_does(tmp_path: Path, size: int) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(bytes(size))
    second.write_bytes(bytes(size))
    known = sampled_fingerprint(first)
    assert known == sampled_fingerprint(second)
    assert known.startswith("s1:")
    assert len(known) == 3 + 64
    second.write_bytes(bytes(size) + b"\1")
    assert sampled_fingerprint(second) != known
    if size:
        second.write_bytes(bytes(size - 1) + b"\1")
        assert sampled_fingerprint(second) != known


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sampled_fingerprint(tmp_path / "none")
