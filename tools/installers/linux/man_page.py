"""The manual page ``bachview(1)``, made from the help of the commands."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import typer

from bachview.cli.app import app
from bachview.config import APPLICATION
from bachview.version import __version__
from tools.installers.release import source_time

#: Where help is to be shown as it is written.
_VERBATIM = "\b"
_BOLD = re.compile(r"\[bold\](.*?)\[/(?:bold)?\]")
#: What stands behind the name of a parameter that has no word for its value.
_TYPE = re.compile(r" <(.*)>$")

_FILES = r"""
.SH FILES
.TP
.I $XDG_DATA_HOME/bachview, ~/.local/share/bachview
Results, one SQLite file for each slide.
.TP
.I $XDG_CONFIG_HOME/bachview, ~/.config/bachview
Settings.
.TP
.I $XDG_CACHE_HOME/bachview, ~/.cache/bachview
Files that can be made again.
.TP
.I $XDG_STATE_HOME/bachview/log, ~/.local/state/bachview/log
Log files.
.SH ENVIRONMENT
.TP
.B BACHVIEW_HOME
A folder to keep all of these in.
"""


def man_page(time: datetime) -> str:
    """The page, in roff."""
    # Typer has its own copy of click, whose types it does not export.
    group: Any = typer.main.get_command(app)
    context = typer.Context(group, info_name=APPLICATION)
    title, *paragraphs = _paragraphs(group.help or "")
    name = APPLICATION.upper()
    lines = [
        f'.TH {name} 1 "{time:%Y-%m-%d}" "{APPLICATION} {__version__}" "User Commands"',
        ".SH NAME",
        rf"{APPLICATION} \- {_text(title[0].lower() + title[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        rf".B {APPLICATION}",
        *(_text(piece) for piece in group.collect_usage_pieces(context)),
        ".SH DESCRIPTION",
        *_body(paragraphs),
        ".SH OPTIONS",
        *_parameters(group, context),
        ".SH COMMANDS",
        *_commands(group, context),
        _FILES.strip(),
    ]
    if group.epilog:
        lines += [".SH EXIT STATUS", *_body([_exit_codes(group.epilog)])]
    return "\n".join(lines) + "\n"


def _exit_codes(epilog: str) -> str:
    """The epilog without its own heading."""
    return _BOLD.sub("", epilog, count=1).lstrip(": ")


def _commands(group: Any, context: typer.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = typer.Context(command, info_name=name, parent=context)
        if hasattr(command, "list_commands"):
            yield from _commands(command, inner)
            continue
        yield rf".SS {_text(inner.command_path)}"
        pieces = (_text(piece.strip("{}")) for piece in command.collect_usage_pieces(inner))
        yield " ".join((rf"\fB{_text(inner.command_path)}\fR", *pieces))
        yield ".PP"
        yield from _body(_paragraphs(command.help or ""))
        yield from _parameters(command, inner)


def _parameters(command: Any, context: typer.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            name, text = record
            yield ".TP"
            shown = r" \1" if parameter.param_type_name == "option" else ""
            yield rf"\fB{_text(_TYPE.sub(shown, name))}\fR"
            yield _text(text) or r"\ "


def _paragraphs(help_text: str) -> list[str]:
    return [part.strip("\n") for part in help_text.split("\n\n") if part.strip()]


def _body(paragraphs: Sequence[str]) -> Iterator[str]:
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield ".PP"
        if paragraph.startswith(_VERBATIM):
            yield ".nf"
            yield from (_text(line) for line in paragraph.lstrip(_VERBATIM).strip("\n").split("\n"))
            yield ".fi"
        else:
            yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Text of the help as roff: nothing in it is a request, markup becomes fonts."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    escaped = _BOLD.sub(r"\\fB\1\\fR", escaped).replace(r"\[", "[")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main(arguments: Sequence[str]) -> int:
    """Print the page."""
    print(man_page(source_time()), end="")
    return 0
