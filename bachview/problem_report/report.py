"""Puts a report together: its files as texts, which are shown before they are saved as a zip."""

import contextlib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bachview.config import Folders
from bachview.errors import SlideReadError
from bachview.files import atomic_file
from bachview.logs import LOG_NAME
from bachview.models.verification import Check
from bachview.problem_report import facts
from bachview.problem_report.policy import policy_facts, policy_paths
from bachview.problem_report.private_words import words_of_paths, words_of_the_user
from bachview.problem_report.results import results_facts
from bachview.problem_report.scrubbing import Scrubber
from bachview.problem_report.slides import slide_facts
from bachview.slide.reader import SlideReader

_NOTE = """\
This is a report of a problem with bachview, for the people who maintain it or the computer.

It holds no slide, no picture, no results and no patient data. Names of files, folders, the user \
and the computer are replaced by marks such as <name>, <file> and <path>. Please read it all the \
same before you send it.
"""
#: Of each log file, the end.
_LOG_BYTES = 200_000
_LOG_FILES = (LOG_NAME, f"{LOG_NAME}.1")
#: Zip archives must state a time; that of the report is in the note of no file.
_ZIP_TIME = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the zip.

    Attributes
    ----------
    name : in the zip.
    title : for the user.
    """

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a report is made of.

    Attributes
    ----------
    settings : names and values that hold no path and no text of the user.
    window : facts about Qt and the screens.
    slides : that are open.
    private : paths whose names must not be in it: slides, folders, bundles.
    checks : of a self-test; None if it was not run.
    """

    folders: Folders
    settings: dict[str, object] = field(default_factory=dict)
    window: dict[str, object] = field(default_factory=dict)
    slides: Sequence[SlideReader] = ()
    private: Iterable[Path] = ()
    checks: Sequence[Check] | None = None


def collect(request: Request) -> tuple[Part, ...]:
    """Everything that can be in the report. Takes a second; any thread but the GUI thread."""
    scrubber = _scrubber(request)
    made: list[tuple[str, str, Callable[[], str]]] = [
        ("about.txt", "About this report", lambda: _NOTE),
        ("program.txt", "Program", lambda: facts.lines_of(facts.program_facts())),
        ("computer.txt", "Computer", lambda: facts.lines_of(facts.machine_facts())),
        ("libraries.txt", "Libraries", lambda: facts.lines_of(facts.library_versions())),
        ("devices.txt", "Devices for classification", _devices),
        ("screen.txt", "Screens and Qt", lambda: facts.lines_of(request.window)),
        ("settings.txt", "Settings", lambda: facts.lines_of(request.settings)),
        ("policy.txt", "Policy of this computer", lambda: facts.lines_of(policy_facts())),
        ("results.txt", "Saved results", lambda: _results(request)),
    ]
    for number, slide in enumerate(request.slides, 1):
        title = f"Format of open slide {number}"
        made.append((f"slide-{number}.txt", title, partial(_slide, slide)))
    if request.checks is not None:
        checks = request.checks
        made.append(("self-test.txt", "Self-test", lambda: _checks(checks, scrubber)))
    parts = [Part(name, title, scrubber.names(text())) for name, title, text in made]
    parts += _logs(request.folders.logs, scrubber)
    return tuple(part for part in parts if part.text.strip())


def self_test_part(request: Request, checks: Sequence[Check]) -> Part:
    """The outcome of a self-test that was run after the rest was collected."""
    scrubber = _scrubber(request)
    return Part("self-test.txt", "Self-test", scrubber.names(_checks(checks, scrubber)))


def write_zip(path: Path, parts: Sequence[Part]) -> None:
    """Save the parts.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    with (
        atomic_file(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for part in parts:
            entry = zipfile.ZipInfo(part.name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, part.text.encode("utf-8", "replace"))


def _scrubber(request: Request) -> Scrubber:
    places = request.folders
    paths = [*request.private, *(slide.metadata.path for slide in request.slides)]
    paths += [places.data, places.config, places.cache, places.logs, *policy_paths()]
    stores: list[Path] = []
    with contextlib.suppress(OSError):
        stores = [Path(path.name) for path in places.results.glob("*.sqlite")]
    return Scrubber(words_of_the_user() | words_of_paths(paths) | {path.stem for path in stores})


def _devices() -> str:
    return facts.lines_of(facts.openvino_facts())


def _results(request: Request) -> str:
    return facts.lines_of(results_facts(request.folders.results))


def _slide(slide: SlideReader) -> str:
    try:
        route = slide.route
    except SlideReadError:
        route = "cannot be found out"
    return facts.lines_of(slide_facts(slide.metadata, route))


def _checks(checks: Sequence[Check], scrubber: Scrubber) -> str:
    return "".join(
        f"{'passed' if check.ok else 'FAILED'}: {check.name}: {scrubber.sentence(check.message)}\n"
        for check in checks
    )


def _logs(folder: Path, scrubber: Scrubber) -> list[Part]:
    parts = []
    for name in _LOG_FILES:
        text = scrubber.log(_end_of(folder / name))
        parts.append(Part(f"logs/{name}.txt", f"Log ({name})", text))
    traces: list[Path] = []
    with contextlib.suppress(OSError):
        traces = sorted(folder.glob("*crash*.txt"))
    for number, path in enumerate(traces, 1):
        text = scrubber.trace(_end_of(path))
        parts.append(Part(f"logs/crash-{number}.txt", f"Trace of a crash ({number})", text))
    return parts


def _end_of(path: Path) -> str:
    """The end of a text file from the start of a line; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LOG_BYTES))
            read = file.read()
    except OSError:
        return ""
    if size > _LOG_BYTES:
        read = read.partition(b"\n")[2]
    return read.decode("utf-8", "backslashreplace")
