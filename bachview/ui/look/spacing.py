"""Distances, corners and sizes of type: the same few in every panel, dialog and style sheet.

Distances are multiples of 4 device-independent px. Type is in points, so that it grows with the
font that the user has chosen for the system; what lies on the slide is in px, as is the slide.
"""

#: Between what belongs together: an icon and its text, lines of one paragraph.
TIGHT = 4
#: Between controls in a row, rows of a form, fields of a table.
NEAR = 8
#: Between groups, and round the content of panels and banners.
APART = 12
#: Round the content of dialogs.
EDGE = 16
#: Between sections of a page.
SECTION = 24

#: Corners of buttons, fields, cards, banners, and plates on the slide.
RADIUS = 4

#: Name of the program on the start page and in the about box, in sizes of the user's font.
TITLE = 2.0
#: Titles inside a dialog or panel.
HEADING = 1.1
#: Text on the slide: scale bar, chip, measured values.
PLATE_PX = 13
#: Small print on the slide.
SMALL_PLATE_PX = 11


def measures(font_pt: float) -> dict[str, str]:
    """The measures by the names that the style sheet has for them.

    Parameters
    ----------
    font_pt : the size that the user has chosen for the system.
    """
    return {
        "tight": f"{TIGHT}px",
        "near": f"{NEAR}px",
        "apart": f"{APART}px",
        "edge": f"{EDGE}px",
        "radius": f"{RADIUS}px",
        "title_size": f"{TITLE * font_pt:.1f}pt",
        "heading_size": f"{HEADING * font_pt:.1f}pt",
    }
