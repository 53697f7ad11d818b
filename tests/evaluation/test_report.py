"""The report: one file, complete, safe against names, the same for the same figures."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from bachview.config import RESEARCH_USE
from bachview.core.classes import BACH_CLASSES
from bachview.core.uncertainty import Thresholds
from bachview.errors import ExportError
from bachview.evaluation.labelled_predictions import LabelledPredictions
from bachview.evaluation.measures import evaluate
from bachview.evaluation.report import ReportFacts, report_html, write_report
from bachview.evaluation.slide_scores import SlideScore

FACTS = ReportFacts("my <b>bundle</b>", [("SHA-256", "abc")], ["It has seen <these> photos."])


def labelled(count: int = 40) -> LabelledPredictions:
    rng = np.random.default_rng(5)
    labels = np.arange(count) % 4
    raw = rng.random((count, 2, 4))
    raw[np.arange(count), :, labels] += 1
    members = raw / raw.sum(axis=2, keepdims=True)
    return LabelledPredictions(
        labels,
        [f"p{i // 4}" for i in range(count)],
        members,
        members.mean(axis=1),
        labels,
        members[:, 0],
        ("cnn <1>", "forest"),
        np.array([True, False]),
        np.arange(count),
    )


def slide() -> SlideScore:
    table = np.diag([500, 20, 30, 400]).astype(np.int64)
    table[3, 2] = 50
    return SlideScore("A<01>.svs", BACH_CLASSES, table, 7)


class _Reader(HTMLParser):
    """The text, the pictures, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.sources: list[str] = []
        self.open: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag == "img":
            self.sources.append(dict(attrs)["src"] or "")
        if tag not in {"meta", "br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def page() -> str:
    given = labelled()
    return report_html(evaluate(given, Thresholds(0.5, 0.7)), given, FACTS, [slide()])


def test_one_file_says_it_all_without_a_script_or_a_link_out(page: str) -> None:
    found = read(page)
    assert len(found.sources) == 6
    for source in found.sources:
        kind, data = source.split(",", 1)
        assert kind == "data:image/svg+xml;base64"
        assert b"<svg" in base64.b64decode(data)
    assert not found.names & {"script", "link", "iframe", "object", "a"}
    assert "http" not in re.sub(r'src="[^"]*"', "", page)
    text = " ".join(found.text)
    for wanted in (RESEARCH_USE, "Carcinoma", "In situ", "40 photos of 10 patients", "abc"):
        assert wanted in text
    assert "7 pixels could not be read" in text


def pieces(text: str) -> list[str]:
    """Tags and texts in order; white space between them and how a quote is written say nothing."""
    parts = re.split(r"(<[^>]*>)", re.sub(r'src="[^"]*"', 'src=""', text))
    found = [" ".join(part.split()).replace(" >", ">").replace("&#39;", "'") for part in parts]
    return [part for part in found if part]


def test_the_report_is_the_expected_one(page: str) -> None:
    golden = Path(__file__).parent / "golden" / "report.html"
    assert pieces(page) == pieces(golden.read_text("utf-8"))


def test_names_from_files_are_text_and_not_markup(page: str) -> None:
    for name in ("my <b>bundle</b>", "It has seen <these> photos.", "cnn <1>", "A<01>.svs"):
        assert name not in page
        assert name in "".join(read(page).text)


def test_the_figures_are_those_of_the_evaluation(page: str) -> None:
    given = labelled()
    found = evaluate(given, Thresholds(0.5, 0.7))
    text = "".join(read(page).text)
    assert f"{found.photo.metrics.accuracy:.1%}".replace("%", " %") in text
    interval = found.photo.intervals["accuracy"]
    assert interval is not None
    assert f"{100 * interval.low:.1f} to {100 * interval.high:.1f}" in text
    assert f"{slide().score:.3f}" in text


def test_the_same_figures_give_the_same_bytes(page: str) -> None:
    given = labelled()
    again = report_html(evaluate(given, Thresholds(0.5, 0.7)), given, FACTS, [slide()])
    assert again == page


def test_what_is_not_known_is_a_dash_and_not_a_zero() -> None:
    given = labelled()
    keep = given.labels == 3
    one = replace(
        given,
        labels=given.labels[keep],
        patients=["p"] * int(keep.sum()),
        members=given.members[keep],
        probabilities=given.probabilities[keep],
        patch_labels=np.zeros(0, np.int64),
        patch_probabilities=np.zeros((0, 4)),
        patch_photos=None,
        is_cnn=np.ones(2, np.bool_),
    )
    text = "".join(read(report_html(evaluate(one, Thresholds(1, 0)), one, FACTS)).text)
    assert "–" in text
    assert "nan" not in text.lower()
    assert "Slides" not in text


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    given = labelled(8)
    found = evaluate(given, Thresholds(0.5, 0.7))
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=r"report\.html cannot be written"):
        write_report(tmp_path / "file" / "report.html", found, given, FACTS)
    write_report(tmp_path / "new" / "report.html", found, given, FACTS)
    assert RESEARCH_USE in (tmp_path / "new" / "report.html").read_text("utf-8")
