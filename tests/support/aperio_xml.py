"""Aperio XML written for tests."""

from collections.abc import Sequence
from pathlib import Path

Points = Sequence[tuple[float, float]]


def rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def region(
    points: Points, *, attribute: str = "", text: str = "", kind: int = 0, negative: bool = False
) -> str:
    """A ``Region`` element."""
    vertices = "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in points)
    named = f'<Attributes><Attribute Name="C" Value="{attribute}"/></Attributes>'
    return (
        f'<Region Id="7" Type="{kind}" Text="{text}" NegativeROA="{int(negative)}">'
        f"{named}<Vertices>{vertices}</Vertices></Region>"
    )


def write_xml(
    path: Path, regions: Sequence[str], *, mpp: str | None = "0.5", layer: str = ""
) -> Path:
    """A file with one layer."""
    stated = "" if mpp is None else f' MicronsPerPixel="{mpp}"'
    path.write_text(
        f'<Annotations{stated}><Annotation Id="1" Name="{layer}">'
        f"<Regions>{''.join(regions)}</Regions></Annotation></Annotations>",
        "utf-8",
    )
    return path
