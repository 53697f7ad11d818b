"""What a format has to know about the slide that its annotations lie on."""

from dataclasses import dataclass
from pathlib import Path

from bachview.core.pixel_size import PixelSize
from bachview.slide.reader import SlideMetadata


@dataclass(frozen=True, slots=True)
class SlideFrame:
    """The level-0 reference frame of a slide.

    Attributes
    ----------
    name : of the slide's file, for formats that name it.
    width, height : of level 0, px.
    pixel_size : um/px at level 0, maybe stated by the user.
    center_nm : place of the centre of level 0 from the centre of the glass, (x, y) nm, as
        Hamamatsu's files state it; None where the slide does not.
    path : of the slide's file, for formats that take over what it states; None if it has none.
    """

    name: str
    width: int
    height: int
    pixel_size: PixelSize
    center_nm: tuple[float, float] | None = None
    path: Path | None = None

    @classmethod
    def of(cls, metadata: SlideMetadata, pixel_size: PixelSize | None = None) -> "SlideFrame":
        """That of an open slide.

        Parameters
        ----------
        pixel_size : replaces that of the slide.
        """
        size = metadata.pyramid.size
        return cls(
            metadata.path.name,
            int(size.width),
            int(size.height),
            pixel_size or metadata.pixel_size,
            metadata.center_nm,
            metadata.path,
        )

    @property
    def mpp(self) -> tuple[float, float] | None:
        """(x, y) um per level-0 px; None if unknown or not plausible."""
        return self.pixel_size.um_per_px
