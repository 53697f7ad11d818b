"""What is taken out of sentences, logs and traces, and what stays."""

import pytest

from bachview.problem_report.scrubbing import LEFT_OUT, Scrubber


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data/Anna Miller/S21 x.svs cannot be read (gone).", "<path>.svs cannot be read (gone)."),
        ("/data/Anna Miller cannot be read.", "<path> cannot be read."),
        (r"\\server\Anna Miller\a.ndpi is gone", "<path>.ndpi is gone"),
        (r"C:\Users\Anna Miller is no folder", "<path> is no folder"),
        ("Anna Miller 3.svs cannot be opened", "<file>.svs cannot be opened"),
        ("The slide Miller, Anna.svs has no level", "The slide <file>.svs has no level"),
        ("file of Miller_Anna_S21-4567_A1", "file of <number>"),
        ("born 14. März 1950 or 3 Apr 1950", "born <date> or <date>"),
        ("file:///home/anna/a.svs", "<link>"),
        ("mail to anna@clinic.example", "mail to <mail>"),
        ("could not convert 'Anna Miller'", "could not convert '<text>'"),
        ("'anna.miller' is missing", "'<text>' is missing"),
        ("patient Miller^Anna^^Dr here", "patient <name> here"),
        ("born 14.03.1950, 3/14/50, 1950-03-14, 19500314", "born <date>, <date>, <date>, <date>"),
        (
            "barcode S21-12345 and 0042317 and S2112345",
            "barcode <number> and <number> and <number>",
        ),
        ("fingerprint 9f86d081884c7d65", "fingerprint <number>"),
        # What helps stays.
        ("'NoneType' object is not iterable", "'NoneType' object is not iterable"),
        ("bf16 on GPU refused: out of memory", "bf16 on GPU refused: out of memory"),
        ("A bundle was tried: 1.5 s at 12 cells/s.", "A bundle was tried: 1.5 s at 12 cells/s."),
        ("list index out of range", "list index out of range"),
        ("level_2 of SQLITE_IOERR_12", "level_2 of SQLITE_IOERR_12"),
        ("numpy 2.4.6, Linux 6.18.44 and/or GPU", "numpy 2.4.6, Linux 6.18.44 and/or GPU"),
    ],
)
def test_a_sentence_keeps_what_helps_and_no_name(text: str, expected: str) -> None:
    assert Scrubber(()).sentence(text) == expected


@pytest.mark.parametrize(
    "written",
    [
        "Müller",
        "MÜLLER",
        "mu\u0308ller",
        "M%C3%BCller",
        r"M\u00fcller",
        r"M\xfcller",
        r"M\xc3\xbcller",
        "MÃ¼ller",
    ],
)
def test_a_known_name_is_found_however_it_is_written(written: str) -> None:
    assert Scrubber({"Müller"}).names(f"see {written}_3") == "see <name>_3"


def test_short_names_are_no_parts_of_words() -> None:
    assert Scrubber({"Ann"}).names("Ann has an annotation, ann_2") == (
        "<name> has an annotation, <name>_2"
    )


def test_of_debug_records_only_time_and_place_are_kept() -> None:
    log = (
        "2026-03-01 07:00:00,123 DEBUG io_0 bachview.slide.opening: opening Miller\n"
        "a second line of Miller\n"
        "2026-03-01 07:00:01,000 INFO io_0 bachview.store: ready\n"
    )
    assert Scrubber(()).log(log) == (
        f"2026-03-01 07:00:00,123 DEBUG io_0 bachview.slide.opening: {LEFT_OUT}\n"
        "2026-03-01 07:00:01,000 INFO io_0 bachview.store: ready"
    )


def test_a_traceback_keeps_the_places_in_the_program() -> None:
    log = """\
2026-03-01 07:00:00,123 ERROR io_0 bachview.cli.main: unexpected error
Traceback (most recent call last):
  File "/home/miller/bachview/bachview/cli/main.py", line 73, in _run
    answer = app(x)
             ^^^^^^
  File "C:\\\\Miller\\\\Lib\\\\site-packages\\\\openslide\\\\__init__.py", line 5, in read
  File "/home/miller/miller.py", line 9, in work
  File "<frozen importlib._bootstrap>", line 1, in _find
openslide.OpenSlideError: Cannot open Anna Miller 3.svs
Anna Miller 4.svs
KeyboardInterrupt
""".replace("\\\\", "\\")
    assert Scrubber({"miller"}).log(log).splitlines()[2:] == [
        '  File "…/bachview/cli/main.py", line 73, in _run',
        "    answer = app(x)",
        "             ^^^^^^",
        '  File "…/site-packages\\openslide\\__init__.py", line 5, in read',
        '  File "<path>.py", line 9, in work',
        '  File "<frozen importlib._bootstrap>", line 1, in _find',
        "openslide.OpenSlideError: Cannot open <file>.svs",
        "<file>.svs",
        "KeyboardInterrupt",
    ]
