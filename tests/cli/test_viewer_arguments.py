from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bachview.cli import viewer
from bachview.ui.window import app


def test_a_bundle_among_the_slides_is_the_one_to_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Sequence[Path], Any]] = []

    def run_viewer(paths: Sequence[Path], *, bundle: str | None = None) -> int:
        opened.append((paths, bundle))
        return 0

    monkeypatch.setattr(app, "run_viewer", run_viewer)
    monkeypatch.setattr(viewer, "require_display", lambda: None)
    monkeypatch.chdir(tmp_path)
    slide, bundle = Path("a.svs"), Path("lab.BACHMODEL")
    assert viewer.view([slide, bundle]) == 0
    assert viewer.view([slide]) == 0
    assert opened == [([slide], str(tmp_path / bundle)), ([slide], None)]
