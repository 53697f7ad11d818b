"""How stored pixels are turned and flipped to be shown: orientations 1 to 8 of TIFF and EXIF."""

from bachview.slide.reader import RGB


def oriented(stored: RGB, orientation: int) -> RGB:
    """A view of `stored`, (H, W, 3) uint8, rotated and flipped according to `orientation`."""
    if swaps_sides(orientation):
        stored = stored.transpose(1, 0, 2)
        orientation = {5: 1, 6: 2, 7: 3, 8: 4}[orientation]
    if orientation in (2, 3):
        stored = stored[:, ::-1]
    if orientation in (3, 4):
        stored = stored[::-1]
    return stored


def swaps_sides(orientation: int) -> bool:
    """Whether stored rows are shown as columns."""
    return orientation >= 5


def shown_size(stored_size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(width, height) as shown, px, of (width, height) as stored."""
    width, height = stored_size
    return (height, width) if swaps_sides(orientation) else (width, height)
