"""GeoJSON: what QuPath writes is read, what we write comes back, and bad files change nothing."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given, settings

from bachview.errors import AnnotationError, Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats import source
from bachview.marks.formats.found import UNWATCHED, Found, Watch
from bachview.marks.formats.geojson_writing import feature_of, write_geojson
from bachview.marks.formats.table import read_annotations
from bachview.marks.transforms import moved
from tests.support.annotations import SLIDE, annotations, star
from tests.support.real_data import shared_file

ID = "11111111-2222-4333-8444-555555555555"
SQUARE = [[0, 0], [100, 0], [100, 50], [0, 50], [0, 0]]
TRIANGLE = [[0, 0], [100, 0], [0, 50], [0, 0]]


def read(path: Path) -> Found:
    return read_annotations(path, SLIDE, UNWATCHED)


def found_in(tmp_path: Path, document: object, name: str = "a.geojson") -> Found:
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return read(path)


def feature(coordinates: object = None, kind: object = "Polygon", **others: Any) -> dict[str, Any]:
    properties = others.pop("properties", {})
    geometry = {
        "type": kind,
        "coordinates": coordinates or [TRIANGLE],
        **others.pop("geometry", {}),
    }
    return {"type": "Feature", **others, "geometry": geometry, "properties": properties}


@settings(max_examples=35, deadline=None)
@given(annotations())
def test_what_is_written_comes_back_without_loss(
    tmp_path_factory: pytest.TempPathFactory, annotation: Annotation
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.geojson"
    write_geojson(path, [annotation], SLIDE)
    found = read(path)
    assert found.annotations == (annotation,)
    assert not [one for one in found.sentences if "outside" not in one]
    # QuPath needs a colour in each class, and keeps texts only in its metadata.
    properties = json.loads(path.read_text("utf-8"))["features"][0]["properties"]
    assert "color" in properties.get("classification", {"color": 0})
    assert all(isinstance(text, str) for text in properties.get("metadata", {}).values())


@pytest.mark.parametrize(
    ("tool", "kind"),
    [
        *(("brush", "area"), ("ellipse", "area"), ("line", "line"), ("multipoint", "points")),
        *(("point", "points"), ("polygon", "area"), ("polyline", "line"), ("wand", "area")),
        ("rectangle", "rectangle"),
    ],
)
def test_files_of_qupath_mean_the_same_when_written_again(
    tmp_path: Path, tool: str, kind: str
) -> None:
    source = shared_file(f"annotations/qupath/qupath-{tool}.json")
    found = read(source)
    (annotation,) = found.annotations
    assert (annotation.kind, annotation.name, found.sentences) == (kind, tool, ())
    written = feature_of(annotation)
    original = json.loads(source.read_text("utf-8"))
    assert shapely.geometry.shape(written["geometry"]).equals(
        shapely.geometry.shape(original["geometry"])
    )
    assert written["properties"]["name"] == original["properties"]["name"]
    path = tmp_path / "again.json.gz"
    write_geojson(path, found.annotations, SLIDE)
    assert read(path).annotations == found.annotations
    # Its id is no UUID, so that it is recognised by what it is.
    assert read(source).annotations[0].id == annotation.id


def test_every_form_of_a_class_and_of_a_color_is_read(tmp_path: Path) -> None:
    red = AnnotationClass("Tumor", (200, 0, 0))
    forms: list[tuple[object, AnnotationClass | None]] = [
        ({"name": "Tumor", "color": [200, 0, 0]}, red),
        ({"name": "Tumor", "colorRGB": -3670016}, red),
        ({"name": "Tumor", "color": -3670016}, red),
        ({"names": ["Tumor", "Positive"], "color": [200, 0, 0, 128]}, None),
        ({"name": "Positive", "colorRGB": -3670016, "parentClass": {"name": "Tumor"}}, None),
        ("Invasive", AnnotationClass("Invasive", (214, 39, 10))),
    ]
    document = [feature(properties={"classification": form}) for form, _ in forms]
    read_classes = [one.annotation_class for one in found_in(tmp_path, document).annotations]
    both = AnnotationClass("Tumor: Positive", (200, 0, 0))
    assert read_classes == [expected or both for _, expected in forms]
    written = feature_of(found_in(tmp_path, document).annotations[3])
    assert written["properties"]["classification"]["names"] == ["Tumor", "Positive"]
    empty = [feature(properties={"classification": form}) for form in ({}, None, {"name": ""})]
    assert {one.annotation_class for one in found_in(tmp_path, empty).annotations} == {None}


def test_a_cell_keeps_nucleus_measurements_plane_and_what_we_do_not_know(tmp_path: Path) -> None:
    cell = feature(
        id=ID,
        geometry={"plane": {"c": 2, "z": 3, "t": 1}, "bbox": [0, 0, 100, 50]},
        nucleusGeometry={"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [1, 9], [1, 1]]]},
        properties={
            "objectType": "cell",
            "color": [1, 2, 3],
            "isLocked": True,
            "measurements": {"Area": 2.5, "Odd": "NaN", "Word": "x"},
            "metadata": {"ANNOTATION_DESCRIPTION": "seen", "by": "A. B."},
            "grade": 2,
        },
        other={"deep": [1, float("nan")]},
    )
    found = found_in(tmp_path, cell)
    (one,) = found.annotations
    assert (one.id, one.object_type, one.plane, one.channel) == (ID, "cell", (3, 1), 2)
    assert (one.color, one.is_locked, one.note) == ((1, 2, 3), True, "seen")
    assert one.nucleus is not None
    assert found.sentences == ("1 measured value was left out, as it is no number.",)
    assert one.measurements["Area"] == 2.5
    assert list(one.measurements) == ["Area", "Odd"]
    written = feature_of(one)
    assert written["other"] == {"deep": [1, "nan"]}
    assert written["properties"]["grade"] == 2
    assert written["properties"]["metadata"]["by"] == "A. B."
    assert written["properties"]["measurements"]["Odd"] == "NaN"
    assert written["geometry"]["bbox"] == [0, 0, 100, 50]
    there = feature_of(moved(one, 20, 10))
    assert there["geometry"]["bbox"] == [20, 10, 120, 60]
    assert "measurements" not in there["properties"]
    old = feature(
        id="PathCellObject",
        properties={"isLocked": "true", "measurements": [{"name": "Area", "value": 2.5}]},
    )
    (legacy,) = found_in(tmp_path, old).annotations
    assert (legacy.object_type, legacy.measurements) == ("cell", {"Area": 2.5})
    assert legacy.is_locked
    assert legacy.extra == ""


def test_all_documents_that_hold_features_are_read(tmp_path: Path) -> None:
    one, two = feature(), feature([[5, 5], [6, 6]], "MultiPoint")
    collection = {"type": "FeatureCollection", "x": {"features": 1}, "features": [one, two]}
    nested = feature(properties={"childObjects": [two, feature(properties={"objectType": "root"})]})
    mixed = {
        "type": "GeometryCollection",
        "geometries": [two["geometry"], one["geometry"], one["geometry"]],
    }
    for document, count in (
        (collection, 2),
        ([one, [two], collection], 4),
        (one, 1),
        (one["geometry"], 1),
        (nested, 2),
        (mixed, 2),
        ({"type": "FeatureCollection", "features": []}, 0),
        ([], 0),
    ):
        found = found_in(tmp_path, document)
        assert len(found.annotations) == count
        assert len({annotation.id for annotation in found.annotations}) == count
    text = json.dumps(collection)
    for name, content in (("m.json", text.encode("utf-8-sig")), ("u.json", text.encode("utf-16"))):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "g.geojson.gz").write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("inner/a.geojson", text)
        archive.writestr("readme.txt", "no")
    for name in ("m.json", "u.json", "g.geojson.gz", "z.zip"):
        assert len(read(tmp_path / name).annotations) == 2


def test_what_is_left_out_or_mended_is_said_with_its_reason(tmp_path: Path) -> None:
    found = found_in(
        tmp_path,
        [
            feature([[[0, 0], [100, 100], [100, 0], [0, 100], [0, 0]]]),
            feature([[[0, 0], [100, float("nan")], [100, 0], [0, 0]]]),
            feature([[[0, 0], [100, 1e12], [100, 0], [0, 0]]]),
            feature([[[0, 0], [50, 50], [100, 100], [0, 0]]]),
            feature([[0, 0]], "LineString"),
            feature("x", "Circle"),
            feature([["a", "b"]], "LineString"),
            {"type": "Feature", "geometry": {}},
            feature([-50, 5], "Point", id=ID),
            feature([1, 5], "Point", id=ID),
            feature([10**400, 5], "Point"),
            feature([TRIANGLE], properties={"classification": {"name": 3, "color": "red"}}),
        ],
    )
    assert found.annotations[0].geometry.area == 5000
    assert len(found.annotations) == 4
    assert found.sentences == (
        "1 object was left out, as it has no shape.",
        "2 objects were left out, as a point of them is no number or lies far outside.",
        "2 objects were left out, as they have too few points for their kind or enclose no area.",
        "1 object was left out, as its kind is not known.",
        "2 objects were left out, as they are not written as the format asks.",
        "1 outline crossed itself and was mended.",
        "1 annotation lies outside of the slide; it was kept.",
        "1 annotation got another id, as an earlier one of the file has the same.",
    )


def test_odd_members_and_holes_far_away_cost_their_object_alone(tmp_path: Path) -> None:
    far = [[1e300, 0], [0, 1e300], [9, 9], [1e300, 0]]
    odd: list[Any] = [
        feature([TRIANGLE, far]),
        feature(kind=["Polygon"]),
        {"type": ["Feature"]},
        {"type": {}, "geometry": None},
        feature(id=["x"], properties={"classification": [], "metadata": {"bachview.kind": {}}}),
        feature(
            properties={
                "metadata": {"bachview.kind": "ellipse", "bachview.frame": "1e308 0 1e308 1 0"}
            }
        ),
        feature(nucleusGeometry={"type": "Polygon", "coordinates": [far]}),
    ]
    found = found_in(tmp_path, odd)
    assert [one.kind for one in found.annotations] == [Kind.AREA] * 3
    assert all(one.nucleus is None for one in found.annotations)
    assert found.sentences == (
        "2 objects were left out, as a point of them is no number or lies far outside.",
        "1 object was left out, as it is not written as the format asks.",
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{1: 2, "features": []}'),
        ("a.json", b""),
        ("a.json", b"{"),
        ("a.json", b'{"type": "FeatureCollection", "features": [1,,2]}'),
        ("a.json", b"[" * 200_000),
        ("a.json", b'{"a": ' + b"[" * 200_000),
        ("a.json", b'{"images": [], "annotations": []}'),
        ("a.json", b'"text"'),
        ("a.json", b"[] []"),
        ("a.geojson.gz", b"no"),
        ("a.geojson.gz", gzip.compress(b"[]", mtime=0)[:-9]),
        ("a.zip", b"PK\x03\x04"),
        ("a.txt", b"[]"),
    ],
)
def test_a_broken_file_is_explained_in_a_sentence(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AnnotationError, match=rf"^{name} .*\.$"):
        read(tmp_path / name)


def test_a_shape_that_qupath_has_changed_is_read_as_it_is_now(tmp_path: Path) -> None:
    turned = Annotation(ID, Kind.ELLIPSE, Frame(500, 500, 300, 100, 30.0))
    written = feature_of(turned)
    assert found_in(tmp_path, written).annotations[0].shape == turned.shape
    ring = written["geometry"]["coordinates"][0]
    written["geometry"]["coordinates"] = [[(x + 7, y) for x, y in ring]]
    (moved,) = found_in(tmp_path, written).annotations
    assert moved.kind is Kind.AREA
    assert moved.geometry.centroid.x == pytest.approx(507)
    upright = feature_of(Annotation(ID, Kind.ELLIPSE, Frame(500, 500, 300, 100)))
    assert upright["geometry"]["isEllipse"] is True


def test_writing_is_cancelled_without_touching_the_file(tmp_path: Path) -> None:
    path, token = tmp_path / "a.geojson", CancelToken()
    path.write_text("before", "utf-8")
    steps: list[tuple[int, int]] = []
    many = [Annotation(f"{k}", Kind.AREA, star(k, k)) for k in range(5)]

    def told(done: int, total: int) -> None:
        steps.append((done, total))
        if done == 3:
            token.cancel()

    with pytest.raises(Cancelled):
        write_geojson(path, many, SLIDE, Watch(token, told))
    assert path.read_text("utf-8") == "before"
    assert steps == [(1, 5), (2, 5), (3, 5)]


def test_a_small_file_that_unpacks_to_endless_lists_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MOST_JSON_PARTS", 1000)
    path = tmp_path / "a.geojson.gz"
    path.write_bytes(
        gzip.compress(b'{"type":"MultiPoint","coordinates":[[]' + b",[]" * 1000 + b"]}")
    )
    with pytest.raises(AnnotationError, match="more than 1,000 points and is not read"):
        read(path)
