"""What is exported from the window."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from bachview.core.pixel_size import PixelSize
from bachview.core.uncertainty import Thresholds
from bachview.errors import StoreError
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.ui.session.exporting import ExportRequest, export
from bachview.ui.session.slide_results import SlideResults


def test_a_run_that_is_gone_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    results = SlideResults("q1:gone")
    request = ExportRequest(
        Mock(SlideReader),
        results,
        1,
        Mock(PixelSize),
        Mock(Thresholds),
        None,
        tmp_path / "out",
        (),
    )
    with pytest.raises(StoreError, match="no longer has these results"):
        export(request, CancelToken())
    results.close()
    assert not (tmp_path / "out").exists()
