"""What reading and writing Aperio XML share; see ``docs/annotation-files.md``."""

#: Types of a region.
AREA, RECTANGLE, ELLIPSE, ARROW, RULER = "0", "1", "2", "3", "4"

#: Column of a region's note.
DESCRIPTION = "Description"

#: Of layers without a class, as of ImageScope's first one.
USUAL_COLOR = (0, 255, 0)
