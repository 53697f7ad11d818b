"""Fingerprints that identify the content of a slide, whatever its file name."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bachview.slide.file_state import FileState
from bachview.slide.formats.tiff_structure import TIFF_STARTS, digest_of_directories

#: Slides of up to this many bytes, all files together, are read whole.
WHOLE_BYTES = 64 * 2**20

_SAMPLES, _SAMPLE_BYTES = 64, 16_384
_LEAST_SAMPLES = 4

_FORMER_SAMPLES, _FORMER_SAMPLE_BYTES = 16, 65_536


@dataclass(frozen=True, slots=True)
class Former:
    """What earlier versions called a slide, to find what they have saved about it.

    Attributes
    ----------
    fingerprint : ``q1:`` and OpenSlide's quickhash-1 if there is one, else ``s1:`` and a hash of
        the size and some samples. Copies with other pixels may have the same.
    changed_s : when a file of the slide was last changed, s since 1970.
    with_others : the fingerprint with the DICOM objects beside the slide that are none of its
        files but name its series; None if there are none.
    """

    fingerprint: str
    changed_s: float
    with_others: str | None = None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """All of them, the newest first."""
        return (*filter(None, (self.with_others,)), self.fingerprint)


def is_covered(files: FileState) -> bool:
    """Whether every byte of the slide counts in its fingerprint."""
    return sum(mark[0] for _, mark in files.marks) <= WHOLE_BYTES


def content_fingerprint(files: FileState) -> str:
    """``c2:`` and a SHA-256 of the content of a slide's files, in any order.

    Every byte counts in slides of up to `WHOLE_BYTES`. Of larger ones, these do: the size of each
    file; in TIFF formats all directories with their values, so the position and length of every
    tile of every level, JPEG tables, colour profiles and descriptions; and 64 samples of 16 KiB
    spread over the files. A compressed tile that is edited nearly always gets another length, and
    is noticed anywhere. What is not noticed in these large files is an edit that keeps every length
    and misses all samples: of uncompressed tiles, or one made for the purpose. For this there is
    `bachview.slide.known_copies`.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    whole = is_covered(files)
    samples = max(_LEAST_SAMPLES, _SAMPLES // max(1, len(files.marks)))
    digests = [
        _whole(path) if whole else _sampled(path, mark[0], samples) for path, mark in files.marks
    ]
    return f"c2:{hashlib.sha256(b''.join(sorted(digests))).hexdigest()}"


def former_of(files: FileState, quickhash: str | None = None) -> Former:
    """What earlier versions called the slide.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    path = files.marks[0][0]
    name = f"q1:{quickhash}" if quickhash else _former_sampled(path)
    changed_ns = max(path.stat().st_mtime_ns for path, _ in files.marks)
    earlier = FileState.of(path, as_formerly=True)
    is_same = {file for file, _ in earlier.marks} == {file for file, _ in files.marks}
    return Former(name, changed_ns / 1e9, None if is_same else content_fingerprint(earlier))


def _whole(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _sampled(path: Path, size: int, samples: int) -> bytes:
    digest = hashlib.sha256(size.to_bytes(8, "big"))
    with path.open("rb", buffering=0) as file:
        start = file.read(4)
        for n in range(samples):
            file.seek(max(0, size - _SAMPLE_BYTES) * n // (samples - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    if start in TIFF_STARTS:
        digest.update(digest_of_directories(path))
    return digest.digest()


def _former_sampled(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(size.to_bytes(8, "big"))
    with path.open("rb") as file:
        if size <= _FORMER_SAMPLES * _FORMER_SAMPLE_BYTES:
            digest.update(file.read())
        else:
            for n in range(_FORMER_SAMPLES):
                file.seek((size - _FORMER_SAMPLE_BYTES) * n // (_FORMER_SAMPLES - 1))
                digest.update(file.read(_FORMER_SAMPLE_BYTES))
    return f"s1:{digest.hexdigest()}"
