"""One grid of distances, one radius, one format for numbers: held where it is easily left."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import bachview.ui
from bachview.config import resource_folder
from bachview.ui.look import spacing

_ROOT = Path(bachview.ui.__file__).parent
_FILES = sorted(_ROOT.rglob("*.py"))
#: A format of a number of its own: ``.2f``, ``,``, ``,.0f``, ``g``, ``d``, ``%``.
_NUMBER_FORMAT = re.compile(r"[<>=^]?[+ -]?#?0?\d*[,_]?(\.\d+)?[bcdeEfFgGnoxX%]?")
#: Facts of a problem report, which have a form of their own, and sizes for the style sheet.
_NOT_SHOWN = {"problem_facts.py", "spacing.py"}
#: Distances in the source: calls that take nothing else.
_DISTANCES = {
    *("setContentsMargins", "setSpacing", "setHorizontalSpacing", "setVerticalSpacing"),
    "addSpacing",
}


@functools.cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.FormattedValue))


def _formats(path: Path) -> Iterator[str]:
    for node in _nodes(path):
        if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
            spec = ast.unparse(node.format_spec)[2:-1]
            if _NUMBER_FORMAT.fullmatch(spec):
                yield f"line {node.lineno}: {{…:{spec}}}"


def test_numbers_are_written_by_the_functions_of_core_units() -> None:
    shown = (path for path in _FILES if path.name not in _NOT_SHOWN)
    assert [f"{path.name} {found}" for path in shown for found in _formats(path)] == []


def _own_distances(path: Path) -> Iterator[str]:
    for node in _nodes(path):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _DISTANCES
        ):
            numbers = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            if any(number != 0 for number in numbers):
                yield f"line {node.lineno}: {ast.unparse(node)}"


def test_distances_are_those_of_the_grid() -> None:
    assert [f"{path.name} {found}" for path in _FILES for found in _own_distances(path)] == []


def test_the_grid_has_steps_of_four() -> None:
    steps = spacing.TIGHT, spacing.NEAR, spacing.APART, spacing.EDGE, spacing.SECTION
    assert [step % 4 for step in (*steps, spacing.RADIUS)] == [0] * 6
    assert sorted(set(steps)) == list(steps)


def test_the_style_sheet_keeps_to_grid_radius_and_sizes_of_type() -> None:
    sheet = (resource_folder() / "look" / "style.qss").read_text(encoding="utf-8")
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    assert set(re.findall(r"font-size:\s*(.*?);", sheet)) == {"@title_size", "@heading_size"}
    # Handle and groove of a slider are round, and so is a radio button, to the px.
    radii = re.findall(r"^(?!QSlider|QRadioButton).*\{[^}]*?border-radius:\s*(.*?);", sheet, re.M)
    assert set(radii) == {"@radius"}
    (button,) = re.findall(
        r"^QRadioButton.*\{\s*width: (\d+)px; height: (\d+)px; border: (\d+)px[^}]*?"
        r"border-radius: (\d+)px;",
        sheet,
        re.M,
    )
    width, height, border, radius = map(int, button)
    assert width == height == 2 * (radius - border)
    names = {"0", "@tight", "@near", "@apart", "@edge"}
    for name, value in re.findall(r"\b(padding|margin|spacing)(?:-\w+)?:\s*(.*?);", sheet):
        for length in value.split():
            assert length in names or _is_on_grid(length), (name, value)


def _is_on_grid(length: str) -> bool:
    """A step, or 1 px less for a frame that is 1 px thicker; up to 3 px for what has a picture.

    A handle that is wider than its groove has half of the difference as a negative margin.
    """
    px = int(length.removesuffix("px"))
    return px < 0 or px <= 3 or px % 4 in (0, 3)
