"""Documents, tables, and a standard output that only we write to."""

import errno
import io
import json
import os
import sys

import pytest

from bachview.cli.output import clean_stdout, print_json, print_table, standard_streams, tell
from bachview.cli.progress import ProgressLine, progress_text
from bachview.jobs.progress import Progress


def test_what_libraries_print_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with clean_stdout():
        sys.stdout.write("from Python\n")
        os.write(1, b"from C\n")
    print_json({"µ": "日本"})
    out, err = capfd.readouterr()
    assert out == '{\n  "µ": "日本"\n}\n'
    assert "from Python" in err
    assert "from C" in err


def test_standard_output_works_again_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), clean_stdout():
        raise ZeroDivisionError
    os.write(1, b"again\n")
    assert capfd.readouterr().out == "again\n"


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError):
        print_json({"share": float("nan")})


def test_a_table_shows_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("[b]title", [("name", False), ("n", True)], [("[red]x[/]", "12")])
    assert "[red]x[/]" in capsys.readouterr().out


def test_no_text_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    name = "\x1b[31m[b]\x9b\u202egpj.tif\r"
    tell(f"{name} was not found.")
    print_table(name, [("", False)], [[name]])
    shown = capsys.readouterr()
    assert shown.err == "\\x1b[31m[b]\\x9b\\u202egpj.tif\\r was not found.\n"
    assert shown.out.count("\\x1b[31m[b]\\x9b\\u202egpj.tif\\r") == 2
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown.out + shown.err)


def test_progress_states_rate_and_remaining_time() -> None:
    assert progress_text(Progress(1200, 8000, 64.16), "cells") == (
        "1,200 of 8,000 cells, 64.2/s, 1 min 46 s left"
    )
    assert progress_text(Progress(0, 8000, 0.0), "cells") == "0 of 8,000 cells"


def test_progress_is_silent_for_quick_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("Writing", "tiles") as line:
        for done in range(5):
            line.update(done, 5)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_program_with_a_window_on_windows_has_no_streams_and_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There Python finds none, and their numbers belong to nothing that can be opened."""

    def no_such_number(file: object, *rest: object, **options: object) -> object:
        if isinstance(file, int):
            raise OSError(errno.EBADF, "Bad file descriptor")
        return io.open(file, *rest, **options)  # type: ignore[call-overload]  # noqa: UP020

    monkeypatch.setattr("bachview.cli.output.open", no_such_number, raising=False)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with standard_streams() as streams:
        print_json({"µ": "日本"})
        tell("Nobody reads this.")
        with clean_stdout():
            sys.stdout.write("from a library\n")
        assert streams.deliver()


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "ascii"])
def test_a_console_with_another_code_page_gets_utf8(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    with standard_streams():
        print_json({"slide": "Präparat 日本 \udcf6"})
    assert json.loads(raw.getvalue().decode("utf-8")) == {"slide": "Präparat 日本 \\xf6"}
