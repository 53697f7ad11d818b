"""The list of annotations in a separate process: filled, sorted, filtered, and scrolled by pages.

``python -m bachview.bench.list_probe COUNT VERTICES`` prints one JSON document of milliseconds,
each until what is seen of the list is painted; started by the benchmark `annotations`.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSlider, QApplication, QVBoxLayout, QWidget

from bachview.bench.annotations_probe import outlines
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.panels.annotation_list import AnnotationList
from bachview.ui.panels.annotation_rows import Column

_UP = Qt.SortOrder.AscendingOrder
_PAGES = 300
_TIMES = 5
_COLUMNS = Column.NAME, Column.VALUE, Column.CLASS, Column.KIND
_WORDS = "inv", "invasive", "normal 17", "nothing has this", ""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    count, vertices = map(int, arguments)
    gc.disable()  # as in the program, which collects between frames
    application = QApplication([sys.argv[0], "-style", "Fusion"])
    theme = Theme(application, ThemeChoice.LIGHT)
    made = [
        replace(each, name=f"No. {number}" if number % 2 else "")
        for number, each in enumerate(outlines(count, vertices, Region(0, 0, 24_000, 18_000)))
    ]
    annotations = {each.id: each for each in made}
    holder = QWidget()
    listed = AnnotationList(theme, holder)
    QVBoxLayout(holder).addWidget(listed)
    holder.resize(320, 700)
    holder.show()
    QApplication.processEvents()
    size = PixelSize.typed(0.25)

    def times(acts: Sequence[Callable[[], object]]) -> list[float]:
        found = []
        for act in acts:
            begun = time.perf_counter()
            act()
            listed.viewport().repaint()
            found.append((time.perf_counter() - begun) * 1e3)
            QApplication.processEvents()
        return found

    bar, head = listed.verticalScrollBar(), listed.horizontalHeader()
    page = QAbstractSlider.SliderAction.SliderPageStepAdd
    document = {
        "filled": times([lambda: listed.rows.show_annotations(annotations, size)] * _TIMES),
        "sorted": times([partial(head.setSortIndicator, column, _UP) for column in _COLUMNS]),
        "filtered": times([partial(listed.find_text, words) for words in _WORDS]),
        "scrolled": times([lambda: bar.triggerAction(page)] * _PAGES),
    }
    print(json.dumps(document))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
