"""Colours of what lies on the slide: the same in both themes, as the slide is the same in both."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

#: Under texts and the minimap; dark enough for `INK` also on glass, and so dense that lines of the
#: overlay below do not cross the words.
PLATE = QColor(20, 20, 20, 212)
#: Under what can be pressed, while the cursor is on it.
PLATE_UNDER_CURSOR = QColor(60, 60, 60, 230)
#: Under a text that warns.
WARNING_PLATE = QColor(150, 22, 16, 240)
#: Texts and lines.
INK = QColor(Qt.GlobalColor.white)
#: Small print.
QUIET_INK = QColor(255, 255, 255, 215)
#: Rim of a line, which makes it visible on glass.
SHADE = QColor(0, 0, 0, 190)
