"""Training images from annotated slides: windows of tissue with a class from an outline."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.geometry import Point, Region
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.datasets.annotations import AnnotatedRegion, SlideAnnotations, read_annotations
from bachview.datasets.samples import AnnotatedSlide
from bachview.errors import DatasetError, SlideReadError
from bachview.jobs.tokens import CancelToken
from bachview.slide.colour import srgb_transform
from bachview.slide.file_state import FileState
from bachview.slide.patches import PatchReader
from bachview.slide.tissue import TissueMask, find_tissue
from bachview.training.images import TrainingImage

if TYPE_CHECKING:
    import shapely
    from shapely.geometry.base import BaseGeometry

#: Side of a window in fields; a rotated field needs 1.42.
WINDOW_FIELDS = 1.5
#: Share of a field that must show its class, or share of a small region that it must show.
_FIELD_SHARE, _REGION_SHARE = 0.5, 0.8
#: Minimum share of tissue in a field.
_TISSUE_SHARE = 0.5
#: Windows per field area of a region; more would repeat the same pixels.
_WINDOWS_PER_FIELD = 4
#: Places tried for each window wanted.
_TRIES = 40
#: Points drawn in a region's rectangle for each place tried.
_DRAWS = 8


@dataclass(frozen=True, slots=True)
class _Source:
    """Somewhere to draw places from: an outlined region, or a slide's tissue if negative.

    Attributes
    ----------
    most : maximum number of windows without showing the same pixels many times.
    """

    slide: int
    label: int
    region: AnnotatedRegion | None
    most: int


@dataclass(frozen=True, slots=True)
class _Terrain:
    """Data for choosing places on one slide.

    Attributes
    ----------
    files : of the slide, as they were when it was examined; None if it has none.
    regions : ordered so that later ones win.
    field_x, field_y : sides of a field, level-0 px.
    """

    files: FileState | None
    pixel_size: PixelSize
    tissue: TissueMask
    regions: tuple[AnnotatedRegion, ...]
    field_x: float
    field_y: float


def sample_windows(
    slides: Sequence[AnnotatedSlide],
    *,
    per_class: int | Sequence[int],
    field_um: float,
    mpp: float,
    seed: int,
    token: CancelToken,
    classes: ClassSet,
) -> list[TrainingImage]:
    """Cut windows from annotated slides. Any thread; reads one slide after the other.

    The middle of a window lies in a region of its class, and at least half of its field
    shows that class, or most of the region where that is small. The negative one is tissue whose
    field, however it is turned, meets no outline. At least half of a field is tissue. The
    windows of a class are shared out evenly over its regions (the negative one: over the slides),
    and a region gives at most `_WINDOWS_PER_FIELD` for each field that it has room for; so there
    may be fewer than asked for. Places that cannot be read are left out.

    Parameters
    ----------
    per_class : windows of each class over all slides, one number or one for each class.
    field_um : side of the field that the models see, um.
    mpp : um/px of the windows.
    seed : the same seed chooses the same windows.

    Returns
    -------
    In the order of the slides, in memory: ``3 * (1.5 * field_um / mpp) ** 2`` bytes each.

    Raises
    ------
    DatasetError
        A slide has no plausible pixel size, or its annotations cannot be read.
    SlideOpenError
        A slide cannot be opened.
    Cancelled
        `token` was cancelled.
    """
    wanted = [per_class] * len(classes) if isinstance(per_class, int) else list(per_class)
    if len(wanted) != len(classes):
        raise ValueError(f"{len(wanted)} numbers of windows for {len(classes)} classes")
    terrains = [_annotated(slide, field_um, classes, token) for slide in slides]
    sources = _sources(terrains, classes.negative_label)
    quotas = _quotas(sources, wanted)
    windows: list[TrainingImage] = []
    for index, (slide, terrain) in enumerate(zip(slides, terrains, strict=True)):
        generator = np.random.default_rng((seed, index))
        places = [
            (source.label, place)
            for source, quota in zip(sources, quotas, strict=True)
            if source.slide == index and quota
            for place in _places(terrain, source, quota, generator, token)
        ]
        windows += _read(slide.path, terrain, places, field_um, mpp, token)
    return windows


def sample_tissue(
    path: Path, *, count: int, field_um: float, mpp: float, seed: int, token: CancelToken
) -> list[TrainingImage]:
    """Cut windows anywhere from the tissue of a slide or photo, of which no class is known.

    At least half of a window's field is tissue. There may be fewer than asked for, as in
    `sample_windows`.

    Parameters
    ----------
    count : number of windows.
    field_um, mpp, seed : see `sample_windows`.

    Returns
    -------
    The windows, labelled 0.

    Raises
    ------
    DatasetError
        Its pixel size is missing or implausible.
    SlideOpenError
        It cannot be opened.
    Cancelled
        `token` was cancelled.
    """
    terrain = _terrain(path, field_um, None, token)
    generator = np.random.default_rng(seed)
    quotas = _quotas(sources := _sources([terrain], 0), [count])
    places = list(_places(terrain, sources[0], quotas[0], generator, token))
    return _read(path, terrain, [(0, place) for place in places], field_um, mpp, token)


def _annotated(
    slide: AnnotatedSlide, field_um: float, classes: ClassSet, token: CancelToken
) -> _Terrain:
    token.check()
    annotations = read_annotations(slide.annotations, classes)
    return _terrain(slide.path, field_um, (slide.annotations.name, annotations), token)


def _terrain(
    path: Path,
    field_um: float,
    outlines: tuple[str, SlideAnnotations] | None,
    token: CancelToken,
) -> _Terrain:
    """Examine a slide, with the name and content of its file of outlines if it has one."""
    from bachview.slide.opening import opened_slide

    with opened_slide(path, token) as reader:
        pixel_size = reader.metadata.pixel_size
        if not pixel_size.is_plausible and outlines is not None and outlines[1].mpp is not None:
            # The file with the outlines states what the scanner measured.
            pixel_size = PixelSize.typed(outlines[1].mpp)
        if pixel_size.um_per_px is None:
            raise DatasetError(
                f"{path.name} states no plausible pixel size; correct it, or leave the slide out."
                if outlines is None
                else f"Neither {path.name} nor {outlines[0]} states a plausible pixel "
                "size; remove the slide from the data set or correct one of them."
            )
        mpp_x, mpp_y = pixel_size.um_per_px
        tissue = find_tissue(reader, pixel_size, token)
        files = reader.metadata.files
    return _Terrain(
        files,
        pixel_size,
        tissue,
        () if outlines is None else outlines[1].regions,
        field_um / mpp_x,
        field_um / mpp_y,
    )


def _sources(terrains: Sequence[_Terrain], negative: int | None) -> list[_Source]:
    sources = []
    for index, terrain in enumerate(terrains):
        field = terrain.field_x * terrain.field_y
        for region in terrain.regions:
            most = max(1, round(_WINDOWS_PER_FIELD * region.polygon.area / field))
            sources.append(_Source(index, region.label, region, most))
        if negative is not None:
            bounds, mask = terrain.tissue.region, terrain.tissue.mask
            area = float(mask.mean()) * bounds.width * bounds.height
            most = round(_WINDOWS_PER_FIELD * area / field)
            sources.append(_Source(index, negative, None, most))
    return sources


def _quotas(sources: Sequence[_Source], wanted: Sequence[int]) -> list[int]:
    """How many windows each area gives: evenly, with the others making up for small ones."""
    quotas = [0] * len(sources)
    for label, number in enumerate(wanted):
        indices = [i for i, source in enumerate(sources) if source.label == label]
        # Small ones first, so that what they cannot give falls to later ones.
        indices.sort(key=lambda i: sources[i].most)
        left = number
        for position, index in enumerate(indices):
            share = math.ceil(left / (len(indices) - position))
            quotas[index] = min(sources[index].most, share)
            left -= quotas[index]
    return quotas


def _places(
    terrain: _Terrain,
    source: _Source,
    quota: int,
    generator: np.random.Generator,
    token: CancelToken,
) -> Iterator[Point]:
    """Up to `quota` centres of fields, drawn at random and checked."""
    import shapely

    candidates = _candidates(terrain, source.region, quota * _TRIES, generator)
    found = 0
    if source.region is None:
        outlined = shapely.union_all([region.polygon for region in terrain.regions])
        shapely.prepare(outlined)
    else:
        visible = _visible(terrain.regions, source.region)
        shapely.prepare(visible)
    for x, y in candidates:
        if found == quota:
            return
        token.check()
        place = Point(float(x), float(y))
        field = Region.around(place, terrain.field_x, terrain.field_y)
        if _tissue_share(terrain.tissue, field) < _TISSUE_SHARE:
            continue
        if source.region is None:
            # The circle around the field contains it at any rotation.
            margin = (math.sqrt(2) - 1) / 2 * max(terrain.field_x, terrain.field_y)
            turned = field.expanded(margin)
            is_good = not outlined.intersects(_box(turned))
        else:
            is_good = visible.contains(shapely.Point(x, y)) and _shows(visible, field)
        if is_good:
            found += 1
            yield place


def _candidates(
    terrain: _Terrain,
    region: AnnotatedRegion | None,
    count: int,
    generator: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """(N, 2) float64: x, y in level-0 px, at most `count`, in the region or on the tissue."""
    if region is not None:
        import shapely

        left, top, right, bottom = region.polygon.bounds
        # A thin, slanted region fills little of its rectangle.
        points = generator.uniform((left, top), (right, bottom), (_DRAWS * count, 2))
        shapely.prepare(region.polygon)
        inside = shapely.contains_xy(region.polygon, points[:, 0], points[:, 1])
        return np.asarray(points[inside][:count], np.float64)
    rows, columns = np.nonzero(terrain.tissue.mask)
    if not len(rows):
        return np.empty((0, 2))
    chosen = generator.integers(len(rows), size=count)
    bounds = terrain.tissue.region
    height, width = terrain.tissue.mask.shape
    within = generator.random((count, 2))
    return np.column_stack(
        (
            bounds.x + (columns[chosen] + within[:, 0]) * bounds.width / width,
            bounds.y + (rows[chosen] + within[:, 1]) * bounds.height / height,
        )
    )


def _visible(regions: Sequence[AnnotatedRegion], own: AnnotatedRegion) -> "BaseGeometry":
    """The part of `own` not covered by a later region of another class."""
    import shapely

    position = next(i for i, region in enumerate(regions) if region is own)
    over = [
        region.polygon
        for region in regions[position + 1 :]
        if region.label != own.label and region.polygon.intersects(own.polygon)
    ]
    return shapely.difference(own.polygon, shapely.union_all(over)) if over else own.polygon


def _shows(visible: "BaseGeometry", field: Region) -> bool:
    """Whether a field shows enough of a region."""
    shown = visible.intersection(_box(field)).area
    return bool(
        shown >= _FIELD_SHARE * field.width * field.height or shown >= _REGION_SHARE * visible.area
    )


def _box(region: Region) -> "shapely.Polygon":
    import shapely

    return shapely.box(region.x, region.y, region.right, region.bottom)


def _tissue_share(tissue: TissueMask, field: Region) -> float:
    """Share of a field that is tissue, 0..1; there is none outside the slide."""
    height, width = tissue.mask.shape
    scale_x, scale_y = width / tissue.region.width, height / tissue.region.height
    left, right = (round((edge - tissue.region.x) * scale_x) for edge in (field.x, field.right))
    top, bottom = (round((edge - tissue.region.y) * scale_y) for edge in (field.y, field.bottom))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    part = tissue.mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    return float(np.count_nonzero(part) / ((right - left) * (bottom - top)))


def _read(
    path: Path,
    terrain: _Terrain,
    places: Sequence[tuple[int, Point]],
    field_um: float,
    mpp: float,
    token: CancelToken,
) -> list[TrainingImage]:
    """The pixels around `places`, as read from slides at inference."""
    from bachview.slide.opening import opened_slide

    if not places:
        return []
    side = math.ceil(WINDOW_FIELDS * field_um / mpp)
    geometry = PatchGeometry(input_px=side, mpp=mpp, stride_um=field_um)
    factor = side * mpp / field_um
    windows = []
    with opened_slide(path, token) as reader:
        transform = srgb_transform(reader.metadata.icc_profile)
        patches = PatchReader(reader, terrain.pixel_size, geometry, transform)
        for label, place in places:
            token.check()
            around = Region.around(place, factor * terrain.field_x, factor * terrain.field_y)
            with contextlib.suppress(SlideReadError):
                windows.append(
                    TrainingImage(patches.read(around), label, path.stem, is_window=True)
                )
    if terrain.files is not None:  # the places were chosen when it was open before
        terrain.files.check()
    return windows
