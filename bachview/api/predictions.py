"""The prediction for a slide, as tables, figures, files and pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bachview.api.slides import Slide, region_of
from bachview.core import predictions
from bachview.core.cell_state import CellState, shown_state
from bachview.core.classes import ClassSet
from bachview.core.geometry import Region, Size
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.summary import Summary, summarize
from bachview.core.uncertainty import Thresholds, uncertain
from bachview.core.units import magnification
from bachview.errors import UsageError
from bachview.export import formats
from bachview.export.content import Content
from bachview.export.options import ExportOptions
from bachview.marks.annotation import Annotation
from bachview.marks.corrected_cells import Agreement, agreement, corrected_cells
from bachview.marks.correction import Correction
from bachview.marks.inside import InsideAnnotation, inside
from bachview.policy.in_force import in_force
from bachview.store.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """The classes of a slide: cells that were not asked for are pending. One thread at a time.

    Attributes
    ----------
    cells : the arrays over the patch grid: states, top classes, probabilities.
    pixel_size : um per level-0 px that the run used.
    thresholds : of the ensemble; a patch beyond them is uncertain and has no class.
    provenance : slide, ensemble, device, versions, time; written into every file.
    slide : the classified slide; only needed, and open, for `to_png`.
    measured : one sentence on how often the ensemble was right; empty if that is unknown.
    warnings : what spoke against classifying the slide; None if it was not checked.
    seconds, patches_per_second : of the call that computed it; 0 if nothing was left to do.
    corrections : what a reader has said of cells of the slide, also of other grids; empty unless
        the results are kept.
    """

    cells: predictions.Prediction
    pixel_size: PixelSize
    thresholds: Thresholds
    provenance: Provenance
    slide: Slide
    measured: str = ""
    warnings: tuple[str, ...] | None = None
    seconds: float = 0.0
    patches_per_second: float = 0.0
    corrections: tuple[Correction, ...] = ()

    def __repr__(self) -> str:
        grid = self.grid
        return f"<Prediction of {self.slide.path.name}, {grid.columns} x {grid.rows} cells>"

    @property
    def classes(self) -> ClassSet:
        """In the order of the probabilities."""
        return self.cells.classes

    @property
    def grid(self) -> PatchGrid:
        """The cells: their position (level-0 px) and size."""
        return self.cells.grid

    def to_array(self) -> npt.NDArray[Any]:
        """One record for each cell with tissue, row by row; a structured array.

        Fields, as in the columns of ``predictions.csv``: ``row, column`` in the grid; ``x, y,
        width, height`` of the cell, level-0 px; ``state`` (classified, uncertain, outside,
        pending, failed); ``class``, by its name, empty unless classified; ``prob_<Class>``,
        ``class_<member>``, ``entropy`` and ``disagreement``, NaN or empty where nothing was
        predicted; ``reader_class``, by its name, empty where a reader has not corrected the cell.
        Cells without tissue are in it, state ``no tissue``, where a reader has given them a class.
        """
        cells, grid, keys = self.cells, self.grid, self.classes.keys
        shown = [c.name for c in self.classes]
        readers = corrected_cells(self.corrections, grid, self.classes).on_grid()
        places = np.argwhere((cells.states != CellState.NO_TISSUE) | (readers >= 0))
        members = cells.member_names
        longest = max(map(len, shown))
        table = np.zeros(
            len(places),
            [
                *(("row", "i4"), ("column", "i4")),
                *((name, "f8") for name in ("x", "y", "width", "height")),
                ("state", f"U{max(len(state.written) for state in CellState)}"),
                ("class", f"U{longest}"),
                *((f"prob_{key}", "f4") for key in keys),
                *((f"class_{name}", f"U{longest}") for name in members),
                *(("entropy", "f4"), ("disagreement", "f4")),
                ("reader_class", f"U{longest}"),
            ],
        )
        rows, columns = places[:, 0], places[:, 1]
        table["row"], table["column"] = rows, columns
        table["x"] = grid.region.x + columns * grid.stride_x
        table["y"] = grid.region.y + rows * grid.stride_y
        table["width"], table["height"] = grid.stride_x, grid.stride_y
        states = cells.states[rows, columns]
        untrusted = uncertain(cells, self.thresholds)[rows, columns]
        table["state"] = [
            shown_state(state, is_uncertain=bool(is_untrusted)).written
            for state, is_untrusted in zip(states.tolist(), untrusted, strict=True)
        ]
        done = states == CellState.CLASSIFIED
        names = np.array(shown)
        certain = done & ~untrusted
        table["class"][certain] = names[cells.top_class[rows, columns][certain]]
        for name in ("entropy", "disagreement", *(f"prob_{key}" for key in keys)):
            table[name] = np.nan
        finished = cells.results()
        known = finished.states == CellState.CLASSIFIED
        for index, key in enumerate(keys):
            table[f"prob_{key}"][done] = finished.probabilities[known, index]
        votes = finished.members[known].argmax(axis=2)
        for index, name in enumerate(members):
            table[f"class_{name}"][done] = names[votes[:, index]]
        table["entropy"][done] = cells.entropy[rows, columns][done]
        table["disagreement"][done] = cells.disagreement[rows, columns][done]
        said = readers[rows, columns]
        table["reader_class"][said >= 0] = names[said[said >= 0]]
        return table

    def agreement(self) -> Agreement:
        """Model against reader, in the cells that a reader has corrected."""
        found = corrected_cells(self.corrections, self.grid, self.classes)
        return agreement(found, self.cells, self.thresholds)

    def inside(self, annotation: Annotation) -> InsideAnnotation | None:
        """What the model says inside an annotation; None for one without an area."""
        return inside(self.cells, self.thresholds, annotation, self.pixel_size)

    def to_frame(self) -> "pd.DataFrame | npt.NDArray[Any]":
        """`to_array` as a pandas DataFrame; the array itself if pandas is not installed.

        ``pip install bachview[pandas]`` installs it.
        """
        table = self.to_array()
        try:
            import pandas as pd
        except ImportError:
            return table
        return pd.DataFrame({name: table[name] for name in table.dtype.names or ()})

    def summary(self, region: Region | tuple[float, float, float, float] | None = None) -> Summary:
        """Patches, mm² and share of the tissue for each class, and for tissue without a class.

        Parameters
        ----------
        region : level-0 px; cells count as far as they lie in it. None: the whole slide.

        Raises
        ------
        UsageError
            The region has no area or lies outside the slide.
        """
        return summarize(
            self.cells, self.pixel_size, self.thresholds, region=self._on_slide(region)
        )

    def _on_slide(self, region: Region | tuple[float, float, float, float] | None) -> Region | None:
        chosen = region_of(region)
        if chosen is not None and chosen.intersection(self.grid.region).is_empty:
            raise UsageError("The region does not lie on the scanned part of the slide.")
        return chosen

    def save(
        self,
        path: str | Path,
        kind: str | None = None,
        *,
        region: Region | tuple[float, float, float, float] | None = None,
        names: bool | None = None,
        cells: bool = False,
        classes_only: bool = False,
        size: int | None = None,
        magnification: float | None = None,
        lossless: bool = False,
    ) -> None:
        """Write a file of one of the kinds that the window exports.

        The file says what it is of, how much of that was judged, and how often the ensemble was
        right; for a table this stands in a second file, ``<name>-metadata.json``.

        Parameters
        ----------
        kind : ``csv``, ``geojson``, ``overlay``, ``overlay_jpeg``, ``overlay_tiff``, ``ome_tiff``,
            ``summary`` or, of a DICOM slide, ``dicom_seg``, ``dicom_probabilities`` or
            ``dicom_corrections``; None: by the suffix of `path` (``.ome.tiff`` for the pyramid,
            ``.tif`` for the picture, ``.dcm`` for the classes).
        region : what to write of the slide, level-0 px: cells that touch it, areas as far as they
            lie in it. None: the whole slide.
        names : whether the slide's file name is written; it may tell who the patient is. None: yes,
            unless the administrator has set otherwise.
        cells : GeoJSON with a tile for each cell, not an annotation for each connected region.
        classes_only : GeoJSON without what is uncertain, outside, pending or failed.
        size : longest side of a picture, px. None: 4096, and full resolution for ``ome_tiff``; no
            picture is finer than level 0.
        magnification : of a picture instead, e.g. 10 for 1 um per px.
        lossless : ``ome_tiff`` is compressed with deflate, not JPEG.

        Raises
        ------
        UsageError
            There is no such kind, a size makes no sense, the region lies outside the slide, or the
            slide is closed and the kind shows its pixels; a `LockedError` if the administrator does
            not allow `names`.
        ExportError
            The file cannot be written, or it is a DICOM object that the slide cannot have.
        """
        path = Path(path)
        names = in_force().settled("names_in_exports", names, True, f"names={names}")
        options = ExportOptions.asked(
            cells=cells,
            classes_only=classes_only,
            size=size,
            magnification=magnification,
            lossless=lossless,
        )
        content = self._content(self._on_slide(region), names=names, options=options)
        # Of two endings the longer one: .ome.tiff.
        for row in sorted(formats.FORMATS, key=lambda row: -len(row.suffix)):
            if kind == row.key if kind else path.name.lower().endswith(row.suffix):
                if row.is_picture:
                    self.slide.check_open()
                formats.record_export(content, [path])
                row.write(path, content, None)
                return
        known = ", ".join(f"{row.key} ({row.file_name})" for row in formats.FORMATS)
        raise UsageError(f"{kind or path.name} is not a kind of file to write; choose {known}.")

    def to_csv(
        self,
        path: str | Path,
        *,
        region: Region | tuple[float, float, float, float] | None = None,
        names: bool | None = None,
    ) -> None:
        """Write one line for each cell with tissue, and ``<name>-metadata.json`` beside it.

        `region` and `names` are as of `save`.

        Raises
        ------
        UsageError
            The region lies outside the slide.
        ExportError
            The file cannot be written.
        """
        self.save(path, "csv", region=region, names=names)

    def to_geojson(
        self,
        path: str | Path,
        *,
        region: Region | tuple[float, float, float, float] | None = None,
        names: bool | None = None,
        cells: bool = False,
        classes_only: bool = False,
    ) -> None:
        """Write a GeoJSON that QuPath opens, in level-0 px, with the provenance.

        The arguments are as of `save`.

        Raises
        ------
        UsageError
            The region lies outside the slide.
        ExportError
            The file cannot be written.
        """
        self.save(
            path, "geojson", region=region, names=names, cells=cells, classes_only=classes_only
        )

    def to_png(
        self,
        path: str | Path,
        *,
        region: Region | tuple[float, float, float, float] | None = None,
        names: bool | None = None,
        size: int | None = None,
        magnification: float | None = None,
    ) -> None:
        """Write the slide, or a region, under its overlay with legend, areas and scale bar.

        The arguments are as of `save`.

        Raises
        ------
        UsageError
            The region lies outside the slide, or the slide is closed.
        ExportError
            The file cannot be written.
        """
        self.save(
            path,
            "overlay",
            region=region,
            names=names,
            size=size,
            magnification=magnification,
        )

    def _content(self, region: Region | None, *, names: bool, options: ExportOptions) -> Content:
        transform = self.slide.srgb_transform if self.provenance.icc_applied else None
        return Content(
            self.cells,
            self.pixel_size,
            self.thresholds,
            self.provenance,
            self.slide.reader,
            transform,
            region=region,
            slide_name=self.slide.path.name if names else None,
            measured=self.measured,
            warnings=self.warnings,
            corrections=self.corrections,
            seconds=self.seconds,
            patches_per_second=self.patches_per_second,
            options=options,
        )

    def overlay(
        self,
        size: tuple[int, int],
        *,
        region: Region | tuple[float, float, float, float] | None = None,
        opacity: float = 0.5,
    ) -> npt.NDArray[np.uint8]:
        """The overlay as the viewer draws it, to be put over a picture of the same region.

        Parameters
        ----------
        size : (width, height) of the picture, px.
        region : region of the picture, level-0 px; None: the whole of level 0.
        opacity : 0..1, of the classes.

        Returns
        -------
        (height, width, 4) uint8 RGBA, not premultiplied; transparent where there is no tissue.

        Raises
        ------
        UsageError
            A size, region or opacity makes no sense.
        """
        from bachview.viewing.flat_overlay import flat_overlay
        from bachview.viewing.overlay import OverlayRenderer
        from bachview.viewing.style import Drawing, OverlayStyle

        if size[0] < 1 or size[1] < 1 or not 0 <= opacity <= 1:
            raise UsageError("An overlay needs a size of at least 1 x 1 px and an opacity of 0..1.")
        shown = region_of(region) or self.slide.reader.metadata.pyramid.extent
        style = OverlayStyle(opacity=opacity, drawing=Drawing.TINT)
        picture = OverlayRenderer(self.cells).picture(style, self.thresholds, shown)
        if picture is None:
            return np.zeros((size[1], size[0], 4), np.uint8)
        mpp = self.pixel_size.mpp
        times = None if mpp is None else magnification(mpp, shown.width / size[0])
        return flat_overlay(picture, style, shown, Size(*size), times)
