"""The page on the Python interface: its code runs, in its order, as a reader would run it."""

import re
from pathlib import Path

import pytest

from bachview.phantom.writer import write_phantom
from tests.support.tiny_training import write_dataset

PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"


def test_the_code_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_phantom(tmp_path / "slide.tiff", width=3000, height=2400)
    photos = write_dataset(tmp_path / "photos")
    for folder in (photos / "Photos").iterdir():
        for photo in sorted(folder.iterdir())[3:]:
            photo.unlink()
    first = min((photos / "Photos" / "Benign").iterdir())
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 6
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        code = block.replace("photos/Photos/Benign/b001.png", first.as_posix())
        # The same calls on a bundle that answers in a tenth of the time.
        code = code.replace('"default"', '"selftest"')
        exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102  # our own page
    for name in ("slide.png", "slide.geojson", "report.html"):
        assert (tmp_path / name).stat().st_size > 1000
    assert names["told"], "the run told of its progress"
    out = capsys.readouterr().out
    assert "stopped; finished cells are kept" in out
    assert "not read" not in out
