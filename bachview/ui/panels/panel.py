"""What every part of the panel beside the slide has in common."""

from typing import ClassVar

from PySide6.QtWidgets import QWidget

from bachview.ui.panels.cursor_reading import CursorReading
from bachview.ui.panels.overlay_amounts import Amounts
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.run_status import RunStatus


class Panel(QWidget):
    """Shows something about the current slide. GUI thread only.

    The window calls each method of every panel; a panel overrides those that concern it.

    Attributes
    ----------
    name : names the panel in the settings; never changes.
    title : what the user reads.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def show_contents(self, *, has_slide: bool, has_prediction: bool) -> None:
        """Whether there is a slide in front, and a prediction of it."""

    def show_bundle(self, bundle: BundleSummary) -> None:
        """The prediction shown is this bundle's; without one, it is the bundle in use."""

    def show_amounts(self, amounts: Amounts) -> None:
        """Areas of the prediction shown have changed; `NO_AMOUNTS` without a prediction."""

    def show_reading(self, reading: CursorReading | None) -> None:
        """Another cell is under the cursor, or none."""

    def show_status(self, status: RunStatus) -> None:
        """The run of the current slide has changed."""

    def show_obstacle(self, obstacle: str) -> None:
        """Why the current slide cannot be classified, in a sentence; empty if it can."""
