"""CSV, COCO and masks of annotations: for programs that read nothing else."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import tifffile
from PIL import Image

from bachview.core.pixel_size import PixelSize
from bachview.errors import ExportError, UsageError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats.found import UNWATCHED
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.table import format_named, read_annotations, write_annotations
from tests.support.annotations import SLIDE, star

TUMOR, STROMA = AnnotationClass("Tumor", (200, 0, 0)), AnnotationClass("=Stroma", (0, 0, 200))
RING = shapely.Point(2000, 2000).buffer(900).difference(shapely.Point(2000, 2000).buffer(400))
MANY = (
    Annotation("a", Kind.AREA, RING, TUMOR, name="+1", measurements={"Area µm²": 2.5}),
    Annotation("b", Kind.RECTANGLE, Frame(2000, 2000, 300, 200, 30), STROMA, note='say "x";\n'),
    Annotation("c", Kind.AREA, star(3000, 6000, 700)),
    Annotation("d", Kind.LINE, shapely.LineString([(0, 0), (300, 400)])),
    Annotation("e", Kind.POINTS, shapely.MultiPoint([(1, 1), (2, 2)])),
)


def written(path: Path, key: str, slide: SlideFrame = SLIDE, **options: Any) -> tuple[str, ...]:
    return write_annotations(format_named(key), path, MANY, slide, UNWATCHED, **options)


def test_the_table_is_read_alike_in_every_country(tmp_path: Path) -> None:
    path, marked = tmp_path / "a.csv", tmp_path / "b.csv"
    assert written(path, "csv") == written(marked, "csv-excel") == ()
    assert marked.read_bytes() == b"\xef\xbb\xbf" + path.read_bytes()
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    ring, turned, _, line, points = rows
    # Pixels are 0.5 x 0.25 µm.
    assert float(ring["area_mm2"]) == pytest.approx(RING.area * 0.125e-6)
    assert (ring["name"], ring["class"], ring["Area µm²"]) == ("'+1", "Tumor", "2.5")
    assert (turned["class"], turned["note"]) == ("'=Stroma", 'say "x";\n')
    assert (line["length_px"], line["area_mm2"], line["locked"]) == ("500", "", "false")
    assert (points["count"], points["plane"], points["length_um"]) == ("2", "1", "")


def test_coco_has_the_areas_as_polygons_without_holes(tmp_path: Path) -> None:
    path = tmp_path / "a.coco.json"
    (sentence,) = written(path, "coco")
    assert sentence.startswith("2 annotations were left out")
    document = json.loads(path.read_text("utf-8"))
    assert [one["name"] for one in document["categories"]] == ["Tumor", "=Stroma", "no class"]
    named = replace(MANY[0], annotation_class=AnnotationClass("no class", (1, 2, 3)))
    write_annotations(format_named("coco"), tmp_path / "b", [named, MANY[2]], SLIDE, UNWATCHED)
    two = json.loads((tmp_path / "b").read_text("utf-8"))["categories"]
    assert [one["name"] for one in two] == ["no class", "no class_"]
    assert document["images"][0]["width"] == 40_000
    for one, annotation in zip(document["annotations"], MANY, strict=False):
        parts = [np.reshape(flat, (-1, 2)) for flat in one["segmentation"]]
        area = sum(shapely.Polygon(part).area for part in parts)
        assert area == pytest.approx(annotation.geometry.area, rel=1e-3)
        assert one["area"] == pytest.approx(area, rel=1e-3)
        left, top, width, height = one["bbox"]
        box = (left, top, left + width, top + height)
        assert box == pytest.approx(annotation.bounds, abs=0.02)


@pytest.mark.parametrize(("key", "name"), [("mask", "m.png"), ("mask-tiff", "m.tif")])
def test_a_mask_has_the_areas_of_the_classes_at_its_resolution(
    tmp_path: Path, key: str, name: str
) -> None:
    path = tmp_path / name
    slide = replace(SLIDE, width=5000, height=8000)
    written(path, key, slide, mask_mpp=2.0)
    with Image.open(path) as picture:
        assert picture.mode == "P"
        mask = np.array(picture)
        told = json.loads(picture.info.get("Description") or picture.tag_v2[270])  # type: ignore[attr-defined]
        assert picture.info["dpi"][0] == pytest.approx(12_700, rel=1e-3)
        assert (picture.getpalette() or [])[3:6] == [200, 0, 0]
    if key == "mask-tiff":
        assert (tifffile.imread(path) == mask).all()
    assert mask.shape == (1000, 1250)
    assert told == {"classes": {"1": "Tumor", "2": "=Stroma", "3": "no class"}, "mpp": [2.0, 2.0]}
    text = (tmp_path / f"{name}-classes.csv").read_text("utf-8")
    assert "'=Stroma" in text
    table = csv.DictReader(io.StringIO(text))
    for row, annotation in zip(table, MANY, strict=False):
        count = int((mask == int(row["value"])).sum())
        assert count == int(row["pixels"])
        # A px is 4 x 8 level-0 px, so that small shapes are known to a few px.
        assert count * 32 == pytest.approx(annotation.geometry.area, rel=0.005, abs=32 * 8)
    assert mask[2000 // 8, 2000 // 4] == 2  # what was drawn inside of something
    assert mask[1400 // 8, 2000 // 4] == 1


def test_a_mask_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    written(path, "mask")
    with Image.open(path) as picture:
        # 40,000 x 30,000 px of 0.5 x 0.25 µm: square px of the coarser side.
        assert picture.size == (4096, 1536)
    unknown = replace(SLIDE, pixel_size=PixelSize.unknown())
    with pytest.raises(ExportError, match=r"pixel size of a\.svs is not known"):
        written(path, "mask", unknown, mask_mpp=2.0)
    with pytest.raises(ExportError, match="choose a coarser resolution"):
        written(path, "mask", mask_mpp=0.1)
    with pytest.raises(UsageError, match="Only a mask"):
        written(path, "geojson", mask_mpp=2.0)


def test_times_of_another_file_are_no_formulas(tmp_path: Path) -> None:
    path, table = tmp_path / "a.geojson", tmp_path / "a.csv"
    told = {"bachview.created": "=1+1", "bachview.changed": "2026-01-02T03:04:05+00:00"}
    properties = {"metadata": told, "color": [float("nan"), 0, 0], "name": "kept"}
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}
    path.write_text(json.dumps({**feature, "properties": properties}), "utf-8")
    (found,) = read_annotations(path, SLIDE, UNWATCHED).annotations
    assert (found.name, found.color, found.changed) == ("kept", None, told["bachview.changed"])
    assert found.created.startswith("20")
    other = replace(found, created="=1+1", changed="\ud800")
    write_annotations(format_named("csv"), table, [other], SLIDE, UNWATCHED)
    (row,) = csv.DictReader(io.StringIO(table.read_text("utf-8")))
    assert (row["created"], row["changed"]) == ("'=1+1", "\\ud800")


def test_a_class_has_one_number_in_a_mask_whatever_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    areas = [
        Annotation(str(at), Kind.RECTANGLE, Frame(at * 9000 + 5000, 5000, 4000, 4000), own)
        for at, own in enumerate((TUMOR, STROMA, replace(TUMOR, color=(9, 9, 9))))
    ]
    write_annotations(format_named("mask"), path, areas, SLIDE, UNWATCHED)
    with Image.open(path) as picture:
        assert set(np.unique(np.asarray(picture))) == {0, 1, 2}


@pytest.mark.parametrize("key", ["coco", "asap", "ndpa"])
def test_thousands_of_holes_are_left_out_of_what_is_drawn(tmp_path: Path, key: str) -> None:
    holes = [shapely.box(10 * at, 10, 10 * at + 4, 14).exterior.coords for at in range(1, 1500)]
    sieve = shapely.Polygon(shapely.box(0, 0, 16_000, 100).exterior.coords, holes)
    path = tmp_path / f"a{format_named(key).suffixes[0]}"
    write_annotations(
        format_named(key), path, [Annotation("a", Kind.AREA, sieve)], SLIDE, UNWATCHED
    )
    if key == "coco":
        (one,) = json.loads(path.read_text("utf-8"))["annotations"]
        pieces = [shapely.Polygon(np.reshape(flat, (-1, 2))) for flat in one["segmentation"]]
    else:
        (found,) = read_annotations(path, SLIDE, UNWATCHED).annotations
        pieces = list(shapely.get_parts(found.geometry))
    assert sum(piece.area for piece in pieces) == pytest.approx(sieve.area, rel=1e-4)
