"""Why a DICOM slide cannot be shown, said before OpenSlide reads it.

OpenSlide's own messages are for programmers, and some files it reads wrongly without a word, or
crashes on.
"""

import re
from pathlib import Path

from bachview.errors import SlideOpenError
from bachview.slide.formats.dicom_folder import files_of_series
from bachview.slide.formats.dicom_frames import frame_fault
from bachview.slide.formats.dicom_headers import SlideFile, kind_name, places_its_tiles

#: Uncompressed, JPEG baseline and JPEG 2000.
_READ_SYNTAXES = {
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
}
_PLACED = {"TILED_SPARSE", "3D"}
#: Images that OpenSlide opens with the levels, or opens nothing. It passes over others.
_READ_BESIDE = {"LABEL", "OVERVIEW", "THUMBNAIL"}
#: What OpenSlide and libdicom say, as regular expressions, and what it means.
_OPENSLIDES_REASONS = (
    ("frame alignment", "its tiles overlap or lie not on a grid; export the slide with TILED_FULL"),
    (
        r"photometric interpretation (\w+)",
        "its colours ({}) are not supported with its compression; export the slide again",
    ),
    (
        "unexpected image",
        "two levels of the same size lie in its folder; keep each slide in a folder of its own",
    ),
    ("(?i)libdicom|couldn't|attribute", "its header is damaged; copy it again from its source"),
)


def check_dicom(path: Path) -> None:
    """Make sure that the slide with this file is one that OpenSlide reads rightly.

    Reads the headers of the files in its folder.

    Raises
    ------
    SlideOpenError
        It is not.
    OSError
        It cannot be read.
    """
    if any(other.is_fifo() for other in path.parent.iterdir()):  # OpenSlide would wait for ever
        raise SlideOpenError(
            f"{path.name} cannot be opened from a folder with a pipe in it; copy the slide into a "
            "folder of its own."
        )
    files = files_of_series(path)
    if not files:
        return
    levels = [file for file in files if file.is_level]
    if not levels:
        raise SlideOpenError(
            f"{path.name} is only the {files[0].flavour.lower() or 'unnamed'} image of a DICOM "
            "slide, and no level lies beside it; copy all files of the slide into its folder."
        )
    containers = sorted({file.container for file in levels if file.container})
    if len(containers) > 1:
        raise SlideOpenError(
            f"{path.name} cannot be opened: the files of its series belong to several glass slides "
            f"({', '.join(containers[:3])}); keep each slide in a folder of its own."
        )
    for file in files:
        if not file.is_level and file.flavour not in _READ_BESIDE:
            continue
        reason = _reason(file) or _missing_part(file, files)
        if reason and file.is_level:
            raise SlideOpenError(f"{file.path.name} cannot be opened: {reason}.")
        if reason:
            raise SlideOpenError(
                f"{path.name} cannot be opened with its {file.flavour.lower()} image "
                f"{file.path.name}: {reason}, or move that file away."
            )


def in_plain_words(path: Path, refused: SlideOpenError) -> SlideOpenError:
    """What OpenSlide found after all; its own words where they are not known."""
    said = str(refused.__cause__)
    for words, reason in _OPENSLIDES_REASONS:
        found = re.search(words, said)
        if found:
            return SlideOpenError(
                f"{path.name} cannot be opened: {reason.format(*found.groups())}."
            )
    return refused


def _reason(file: SlideFile) -> str:
    """Why this file cannot be shown, and what to do; empty if nothing is known against it."""
    if file.syntax not in _READ_SYNTAXES:
        return (
            f"its transfer syntax (compression) is {kind_name(file.syntax) or 'not stated'}, which "
            "is not supported; export the slide with JPEG or JPEG 2000"
        )
    if file.samples == 1:
        return (
            f"it is a grey picture ({file.photometric or 'one sample a pixel'}), such as one "
            "channel of fluorescence; only slides in colour are supported"
        )
    if file.bits not in (0, 8):
        return f"it has {file.bits} bits a sample; export the slide with 8 bits"
    if file.focal_planes > 1:
        return (
            f"it has {file.focal_planes:,} focal planes, of which only one can be read; export "
            "the slide with a single plane"
        )
    if file.is_level and file.optical_paths > 1:
        return (
            f"it has {file.optical_paths:,} optical paths (channels or lights), of which only one "
            "can be read; export the slide with a single one"
        )
    if not all(file.size):
        return "it does not state the size of the whole level; export the slide again"
    # OpenSlide crashes, or shows white where nothing is known.
    if file.organisation in _PLACED and not places_its_tiles(file.path, file.tiles):
        return "it does not say where all of its tiles lie; export the slide again"
    return frame_fault(file.path, file.photometric)


def _missing_part(file: SlideFile, files: list[SlideFile]) -> str:
    if not file.concatenation or not file.parts:
        return ""
    present = {other.instance for other in files if other.concatenation == file.concatenation}
    if len(present) >= file.parts:
        return ""
    return (
        f"its level is stored in {file.parts:,} files, of which only {len(present):,} "
        f"{'lies' if len(present) == 1 else 'lie'} in its folder; copy all files of the slide"
    )
