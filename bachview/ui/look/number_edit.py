"""A field for a number, which is read the same in every country."""

from PySide6.QtWidgets import QLineEdit, QWidget

from bachview.core.typed_numbers import typed_number, typed_whole_number
from bachview.errors import UsageError


class NumberEdit(QLineEdit):
    """A number between two limits. Unlike a spin box it follows no locale, and may be empty."""

    def __init__(
        self, low: float, high: float, parent: QWidget | None = None, *, is_whole: bool = False
    ) -> None:
        super().__init__(parent)
        self._low, self._high, self._is_whole = low, high, is_whole

    @property
    def value(self) -> float | None:
        """The number; None while there is none that can be used."""
        try:
            return self._read()
        except UsageError:
            return None

    @property
    def complaint(self) -> str:
        """Why the text cannot be used, in a sentence; empty if it can, or if there is none."""
        if not self.text().strip():
            return ""
        try:
            self._read()
        except UsageError as error:
            return str(error)
        return ""

    def _read(self) -> float:
        if self._is_whole:
            return typed_whole_number(self.text(), round(self._low), round(self._high))
        return typed_number(self.text(), self._low, self._high)
