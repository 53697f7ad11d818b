"""The templates of documents, in ``resources/templates``. Any thread."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bachview.config import resource_folder
from bachview.core.units import percent_text
from bachview.evaluation.intervals import Interval

#: Stands for an unknown figure.
_UNKNOWN = "–"


def render(name: str, values: dict[str, Any]) -> str:
    """A document from the template `name`.

    Values are escaped in HTML and unchanged in Markdown. A name missing in `values` is a bug.
    """
    return _environment().get_template(name).render(values)


def percent(value: float | None) -> str:
    """E.g. ``84.3 %``; an en dash if unknown."""
    return _UNKNOWN if value is None else percent_text(value)


def number(value: float | None) -> str:
    """Three decimals; an en dash if unknown."""
    return _UNKNOWN if value is None else f"{value:.3f}"


def from_to(interval: Interval | None, *, as_percent: bool = False) -> str:
    """E.g. ``0.701 to 0.884``; an en dash if unknown."""
    if interval is None:
        return _UNKNOWN
    if as_percent:
        return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    return f"{interval.low:.3f} to {interval.high:.3f}"


def paragraph(text: str) -> str:
    """Join into one line, as a Markdown paragraph; the template may break it anywhere."""
    return " ".join(text.split())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(resource_folder() / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "from_to": from_to,
        "paragraph": paragraph,
    }
    return environment
