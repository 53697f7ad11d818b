"""Takes from texts of the program what may name a patient, a file or a person.

Above debug level the log names no file, but errors of libraries and traces may: here nothing is
trusted. Rather too much is masked than too little.
"""

import builtins
import re
from collections.abc import Iterable

from bachview.file_names import BUNDLE_SUFFIX
from bachview.problem_report.private_words import PrivateWords
from bachview.slide.suffixes import PICTURE_SUFFIXES, SLIDE_SUFFIXES

LEFT_OUT = "<left out: it may name files>"

#: Of files that the program reads or writes. Another ending of a name may be part of a person's.
_FILE_SUFFIXES = (
    *SLIDE_SUFFIXES,
    *PICTURE_SUFFIXES,
    *(BUNDLE_SUFFIX, ".sqlite", ".sqlite-wal", ".sqlite-shm", ".skops", ".npz", ".xml", ".bin"),
    *(".csv", ".geojson", ".json", ".html", ".txt", ".toml", ".ini", ".log", ".zip", ".tmp"),
    *(".py", ".so", ".dll", ".dylib", ".exe"),
)
#: Longer lines are cut: they are no sentences of ours, and slow to search.
_LONGEST_LINE = 2000
_RECORD = re.compile(
    r"(?P<head>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<level>[A-Z]+) (?:\d+ )?)"
    r"(?P<thread>.*?) (?P<logger>bachview[\w.]*): (?P<message>.*)"
)
_FRAME = re.compile(r'(?P<start>\s*File )"(?P<path>[^"\n]*)"(?P<rest>, line \d+(?:,? in \S+)?)(.*)')
_OUR_FILE = re.compile(
    r"(?:.*[\\/])?((?:bachview|site-packages|lib[\\/]python3\.\d+|Lib)[\\/][\w.+\-\\/]*\.py)"
)
_RAISED = re.compile(
    r"(?P<kind>(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit))"
    r"(?:: (?P<message>.*))?"
)
_HEADINGS = re.compile(
    r"Traceback \(most recent call last\):|During handling of the above exception, another "
    r"exception occurred:|The above exception was the direct cause of the following exception:|"
    r"(?:Current thread|Thread) 0x[0-9a-f]+ \(most recent call first\):|Fatal Python error: [\w ]+|"
    r"Windows fatal exception: [\w ]+|\s*<no Python frame>|Extension modules:.*|\s*[~^]+\s*|"
)

# What is replaced in a sentence; in this order.
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>]*", re.I)
_MAIL = re.compile(r"[^\s\"'<>:;,]+@[^\s\"'<>:;,]+")
_QUOTED = re.compile(r"(?<!\w)'([^'\n]*)'(?!\w)|\"([^\"\n]*)\"|[“„«]([^”“»\n]*)[”“»]|`([^`\n]*)`")
_ROOT = r"(?:(?<![\w>])~?/(?=[^\s/])|\b[A-Za-z]:[\\/]|\\\\)"
#: What follows a path in a sentence.
_AFTER = r"(?= \(|: |[;,] |\. |\.?$| cannot | could | is | was | has | does )"
#: From a root to the last thing on the line that looks like a suffix, as names have spaces.
_PATH = re.compile(
    rf"{_ROOT}(?:[^\n\"']*\.[A-Za-z0-9]{{1,10}}(?![A-Za-z0-9])|[^\n\"']*?{_AFTER}|\S*)"
)
_SUFFIXES_PATTERN = "|".join(map(re.escape, sorted(_FILE_SUFFIXES, key=len, reverse=True)))
_SUFFIX = re.compile(rf"(?:{_SUFFIXES_PATTERN})$", re.I)
#: A file's name, with the words before it that are none of a sentence, e.g. ``Miller, Anna.svs``.
_FILE = re.compile(
    r"(?:[a-z.'%-]*[^\sa-z:;,()'.%<>-][^\s:;,()]*,?[ ]+)*[^\s\"'<>:;,()]+"
    rf"(?i:{_SUFFIXES_PATTERN})\b",
)
_PERSON = re.compile(r"[^\s\"'=:;,()]*\^[^\s\"'=:;,()]*(?: [^\W\d_]+\^[^\s\"'=:;,()]*)*")
_DATE = re.compile(
    # With dots only where the second number can be a month: others are versions.
    r"\b(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/]\d{1,2}[-/](?:\d{4}|\d{2})"
    r"|(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.(?:\d{4}|\d{2})|\d{8}"
    r"|\d{1,2}\.? (?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[^\W\d_]*\.?,?"
    r" \d{4})\b",
    re.I,
)
_CODE = re.compile(
    r"\b(?=[0-9A-Za-z]*[0-9])(?:[0-9A-Fa-f]{8,}|[A-Za-z]{0,4}\d{2,}(?:[-/_]\d{2,})+)\b|\d{5,}"
    r"|\b[A-Z]{1,4}\d{3,}\w*\b|\b[^\W_]+_[\w-]*\d{3,}[\w-]*"
)
_MEMORY = re.compile(r"\b0x[0-9a-f]+\b")


class Scrubber:
    """Masks texts. Any thread."""

    def __init__(self, private: Iterable[str]) -> None:
        """`private` : words that are masked wherever they are."""
        self._words = PrivateWords(private)

    def names(self, text: str) -> str:
        """`text` without the private words: for texts that hold nothing else that is private."""
        return self._words.masked(text)

    def sentence(self, text: str) -> str:
        """A text of unknown origin: paths, names, quotations, dates and numbers are masked."""
        text = _MEMORY.sub("<address>", text[:_LONGEST_LINE])
        text = _ADDRESS.sub("<link>", text)
        text = _MAIL.sub("<mail>", text)
        text = _QUOTED.sub(_quotation, text)
        text = _PATH.sub(lambda found: f"<path>{_suffix(found[0])}", text)
        text = _FILE.sub(lambda found: f"<file>{_suffix(found[0])}", text)
        text = _PERSON.sub("<name>", text)
        text = _DATE.sub("<date>", text)
        return self.names(_CODE.sub("<number>", text))

    def log(self, text: str) -> str:
        """A log: of debug records, which may name files, only time, level and place are kept."""
        lines: list[str] = []
        is_open = False
        trace = _Trace(self)
        for line in text.splitlines():
            record = _RECORD.fullmatch(line)
            if record is None:
                if is_open:
                    lines.append(trace.line(line))
                continue
            is_open = record["level"] not in {"DEBUG", "NOTSET"}
            trace = _Trace(self)
            message = self.sentence(record["message"]) if is_open else LEFT_OUT
            thread = self.sentence(record["thread"])
            lines.append(f"{record['head']}{thread} {record['logger']}: {message}")
        return "\n".join(lines)

    def trace(self, text: str) -> str:
        """The stacks of a crash."""
        trace = _Trace(self)
        return "\n".join(trace.line(line) for line in text.splitlines())


class _Trace:
    """Line after line of a traceback."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._is_source_next = False

    def line(self, line: str) -> str:
        frame = _FRAME.fullmatch(line)
        if frame is not None:
            self._is_source_next = "in " in frame["rest"]
            file = self._scrubber.names(_code_file(frame["path"]))
            return f'{frame["start"]}"{file}"{frame["rest"]}'
        # The line of the program that was running: our own text, but for words in its quotations.
        if self._is_source_next and line.startswith("    "):
            self._is_source_next = False
            return self._scrubber.names(line)
        self._is_source_next = False
        if _HEADINGS.fullmatch(line):
            return self._scrubber.names(line)
        raised = _RAISED.fullmatch(line)
        if raised is not None and raised["message"] is not None:
            return f"{raised['kind']}: {self._scrubber.sentence(raised['message'])}"
        return self._scrubber.sentence(line)


def _code_file(path: str) -> str:
    """The part of a program file's path that is the same on every computer."""
    if path.startswith("<frozen "):
        return path
    found = _OUR_FILE.fullmatch(path)
    if found is None:
        return f"<path>{_suffix(path)}"
    return found[1] if found[1] == path else f"…/{found[1]}"


def _quotation(found: re.Match[str]) -> str:
    inner = next((group for group in found.groups() if group is not None), "")
    if hasattr(builtins, inner) or inner == "NoneType":
        return found[0]
    return f"{found[0][0]}<text>{_suffix(inner)}{found[0][-1]}"


def _suffix(name: str) -> str:
    """The ending of a file's name if it is a usual one, else an empty text."""
    found = _SUFFIX.search(name)
    return found[0].lower() if found else ""
