"""A correction: the class that the reader says a cell is of, beside what a model said of it."""

from dataclasses import dataclass

from bachview.core.geometry import Region
from bachview.marks.annotation import now_text


@dataclass(frozen=True, slots=True)
class Correction:
    """The reader's class of one cell.

    Attributes
    ----------
    region : the cell, level-0 px. A cell has one correction at most, see `id`.
    class_key : key of the reader's class.
    model_key : key of the class that the model had given; None where it had given none.
    bundle_sha256 : of that model; empty where there was none.
    created : ISO 8601 UTC time.
    """

    region: Region
    class_key: str
    model_key: str | None
    bundle_sha256: str
    created: str

    @classmethod
    def made(
        cls, region: Region, class_key: str, model_key: str | None, bundle_sha256: str
    ) -> "Correction":
        """A correction of this moment."""
        return cls(region, class_key, model_key, bundle_sha256, now_text())

    @property
    def id(self) -> str:
        """Names the cell: the same for two corrections of one cell."""
        return cell_id(self.region)


def cell_id(region: Region) -> str:
    """Names a cell by its place on the slide, to a hundredth of a level-0 px."""
    x, y, width, height = region
    return f"cell {x:.2f} {y:.2f} {width:.2f} {height:.2f}"
