"""How contours look, on the screen and in pictures: widths of the lines, colours of their halos."""

#: Width of a line and of its halo on either side, device-independent px.
LINE_VP, HALO_VP = 2.0, 1.0

#: (red, green, blue, alpha).
LIGHT_HALO, DARK_HALO = (255, 255, 255, 190), (25, 25, 25, 150)

_IS_LIGHT = 150


def has_dark_halo(color: tuple[int, int, int]) -> bool:
    """Whether a line of this colour is so light that a light halo would not set it off."""
    red, green, blue = color
    return 0.299 * red + 0.587 * green + 0.114 * blue > _IS_LIGHT
