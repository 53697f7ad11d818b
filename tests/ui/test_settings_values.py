"""Settings that somebody else wrote."""

import json
from pathlib import Path

from PySide6.QtCore import QSettings

from bachview.ui.session.settings import FILE_NAME, Settings


def test_a_number_past_every_range_is_no_number(tmp_path: Path) -> None:
    file = QSettings(str(tmp_path / FILE_NAME), QSettings.Format.IniFormat)
    slides = {"q1:abc": {"x": 10**400, "y": 2, "downsample": 1, "rotation": 0, "mpp": 0.5}}
    file.setValue("slides", json.dumps(slides))
    file.sync()
    memory = Settings(tmp_path).slide_memory("q1:abc")
    assert memory is not None
    assert memory.center is None
    assert memory.typed_mpp == 0.5
