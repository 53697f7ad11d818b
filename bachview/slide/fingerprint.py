"""Fingerprints that identify the content of a slide, whatever its file name."""

import hashlib
from pathlib import Path

_SAMPLE_BYTES = 65_536
_SAMPLES = 16


def sampled_fingerprint(path: Path) -> str:
    """``s1:`` and a SHA-256 of the file's size and 16 samples of 64 KiB spread over it.

    Files of up to 1 MiB are hashed whole. For slides without OpenSlide's quickhash-1.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(size.to_bytes(8, "big"))
    with path.open("rb") as file:
        if size <= _SAMPLES * _SAMPLE_BYTES:
            digest.update(file.read())
        else:
            for n in range(_SAMPLES):
                file.seek((size - _SAMPLE_BYTES) * n // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    return f"s1:{digest.hexdigest()}"


def slide_fingerprint(path: Path, quickhash: str | None) -> str:
    """``q1:`` and OpenSlide's quickhash-1 if there is one, else `sampled_fingerprint`.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    return f"q1:{quickhash}" if quickhash else sampled_fingerprint(path)
