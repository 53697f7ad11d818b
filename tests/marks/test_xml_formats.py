"""Aperio XML, ASAP XML and NDPA: what others write is read, and what we write comes back."""

from dataclasses import replace
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.classes import BACH_CLASSES
from bachview.core.pixel_size import PixelSize
from bachview.datasets.annotations import read_annotations as read_regions
from bachview.errors import AnnotationError, BachviewError, ExportError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats import xml_reading
from bachview.marks.formats.found import UNWATCHED, Found
from bachview.marks.formats.table import (
    format_named,
    format_to_write,
    read_annotations,
    write_annotations,
)
from bachview.marks.measures import measures_of
from tests.support.annotations import SLIDE, annotations, star
from tests.support.aperio_xml import rectangle, region, write_xml
from tests.support.real_data import shared_file

SUFFIXES = {"imagescope": ".xml", "asap": ".asap.xml", "ndpa": ".ndpa"}
ID = "11111111-2222-4333-8444-555555555555"
INVASIVE = AnnotationClass("Invasive", (214, 39, 10))


def read(path: Path) -> Found:
    return read_annotations(path, SLIDE, UNWATCHED)


def written(path: Path, key: str, *many: Annotation) -> tuple[str, ...]:
    return write_annotations(format_named(key), path, many, SLIDE, UNWATCHED)


def found_in(tmp_path: Path, name: str, text: str) -> Found:
    (tmp_path / name).write_text(text, "utf-8")
    return read(tmp_path / name)


@pytest.mark.parametrize("key", list(SUFFIXES))
@settings(max_examples=20, deadline=None)
@given(annotation=annotations())
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, key: str, annotation: Annotation
) -> None:
    path = tmp_path_factory.getbasetemp() / f"round{SUFFIXES[key]}"
    sentences = written(path, key, annotation)
    # What the formats have no place for is said.
    has_more = annotation.nucleus or annotation.measurements or annotation.channel is not None
    has_more = has_more or annotation.object_type != "annotation"
    assert any("lost" in one for one in sentences) == bool(has_more or any(annotation.plane))
    (again,) = read(path).annotations
    for name in ("id", "kind", "name", "note", "annotation_class", "color", "is_locked"):
        assert getattr(again, name) == getattr(annotation, name), name
    assert again.is_hidden == annotation.is_hidden
    if isinstance(annotation.shape, Frame):
        assert again.shape == annotation.shape
    elif annotation.kind is Kind.AREA:
        rest = shapely.symmetric_difference(again.geometry, annotation.geometry)
        assert rest.area < 1e-4 * annotation.geometry.area + 1
    else:
        assert shapely.hausdorff_distance(again.geometry, annotation.geometry) < 0.01


#: What formats, spreadsheets and XML have a meaning of their own for, or no place.
odd_texts = st.sampled_from(["None", "no class", "Layer 1", "Invasive"]) | st.text(
    st.sampled_from(" \t\n\r\x01\x85\u2028\ufffe\ud800<&\"':,=eé\u0301😀None"), max_size=6
)
odd_colors = st.sampled_from([(0, 255, 0), (0xF4, 0xFA, 0x58), (0, 0, 0), (1, 2, 3)])


@pytest.mark.parametrize("key", [*SUFFIXES, "geojson"])
@settings(max_examples=25, deadline=None)
@given(
    name=odd_texts,
    note=odd_texts,
    own=st.none() | st.builds(AnnotationClass, odd_texts, odd_colors),
    color=st.none() | odd_colors,
)
def test_texts_and_colors_come_back_as_they_were_or_it_is_said(
    tmp_path_factory: pytest.TempPathFactory,
    key: str,
    name: str,
    note: str,
    own: AnnotationClass | None,
    color: tuple[int, int, int] | None,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"odd{SUFFIXES.get(key, '.geojson')}"
    one = Annotation(ID, Kind.AREA, star(900, 900, 90), own, name, note, color)
    sentences = written(path, key, one)
    (again,) = read(path).annotations
    assert again.color == color
    if sentences:
        assert "lost characters" in sentences[0]
        assert key != "geojson"
        assert any(
            set(text) & set("\x01\ufffe\ud800") for text in (name, note, own.name if own else "")
        )
    else:
        assert (again.name, again.note, again.annotation_class) == (name, note, own)


def test_what_other_programs_had_beside_an_annotation_is_said_where_it_is_lost(
    tmp_path: Path,
) -> None:
    seen = Annotation(ID, Kind.AREA, star(900, 900, 90), extra='{"imagescope": {"Grade": "2"}}')
    assert not written(tmp_path / "a.xml", "imagescope", seen)
    assert read(tmp_path / "a.xml").annotations[0].extra == seen.extra
    for key in ("asap", "ndpa", "geojson"):
        (sentence,) = written(tmp_path / f"a{SUFFIXES.get(key, '.geojson')}", key, seen)
        assert sentence == "1 annotation lost what another program had written beside it."


def test_a_real_file_of_imagescope_has_its_outlines_and_color() -> None:
    path = shared_file("annotations/imagescope.xml")
    found = read_annotations(path, replace(SLIDE, pixel_size=PixelSize.typed(0.499)), UNWATCHED)
    assert found.sentences == ()
    assert {one.kind for one in found.annotations} <= {Kind.AREA}
    assert all(one.color == (255, 255, 0) for one in found.annotations)
    slide = replace(SLIDE, pixel_size=PixelSize.typed(0.25))
    (other,) = read_annotations(path, slide, UNWATCHED).sentences[:1]
    assert "0.499 µm per pixel, but the slide has 0.25 µm" in other


def test_areas_and_lengths_are_those_that_imagescope_states(tmp_path: Path) -> None:
    """A rectangle of 200 µm drawn there: Length 1598.1, Area 159616.7, 800 µm, 40000 µm²."""
    corners = rectangle(12039.2397, 4246.2397, 12438.7603, 4645.7603)
    path = write_xml(tmp_path / "a.xml", [region(corners, kind=1)], mpp=None)
    (one,) = read(path).annotations
    measures = measures_of(one, PixelSize.typed(0.5006))
    assert one.kind is Kind.RECTANGLE
    assert measures.perimeter_px == pytest.approx(1598.1, rel=0.005)
    assert measures.area_px2 == pytest.approx(159616.7, rel=0.005)
    assert measures.perimeter_um == pytest.approx(800, rel=0.005)
    assert measures.area_mm2 == pytest.approx(0.04, rel=0.005)
    out = tmp_path / "out.xml"
    written(out, "imagescope", one)
    text = out.read_text("utf-8")
    assert 'Length="1598.1" Area="159616.7"' in text
    # Training reads the same outlines from what we write.
    named = replace(one, annotation_class=INVASIVE)
    written(out, "imagescope", named)
    (trained,) = read_regions(out, BACH_CLASSES).regions
    assert trained.label == 3
    assert trained.polygon.area == pytest.approx(159616.7, rel=1e-4)


def test_layers_give_class_and_color_and_negative_regions_cut_holes(tmp_path: Path) -> None:
    outer, inner = rectangle(0, 0, 100, 100), rectangle(20, 20, 40, 40)
    path = write_xml(
        tmp_path / "a.xml",
        [
            region(outer, text="seen"),
            region(inner, negative=True),
            region(rectangle(900, 900, 990, 990), negative=True),
            region([(200, 0), (250, 70)], kind=2),
            region([(5, 5), (9, 9)], kind=3),
            region([(5, 5), (9, 9), (9, 20)], attribute="Carcinoma invasive"),
            region([(500, 0), (550, 50), (550, 0), (500, 50)]),
            region([]),
            region([(1e9, 0), (0, 1), (1, 1)]),
        ],
        layer="Necrosis",
        mpp=None,
    )
    text = path.read_text("utf-8").replace('Id="1" Name', 'Id="1" LineColor="16711935" Name')
    found = found_in(tmp_path, "a.xml", text)
    area, ellipse, arrow, invasive, crossed = found.annotations
    assert (area.kind, area.geometry.area, area.name) == (Kind.AREA, 9600, "seen")
    assert area.annotation_class == AnnotationClass("Necrosis", (255, 0, 255))
    assert ellipse.shape == Frame(225, 35, 50, 70)
    assert arrow.kind is Kind.LINE
    assert invasive.annotation_class == INVASIVE
    assert crossed.geometry.area == 1250
    assert found.sentences == (
        "1 object was left out, as it has no shape.",
        "1 object was left out, as a point of it is no number or lies far outside.",
        "1 outline crossed itself and was mended.",
        "1 negative region was left out, as it cuts nothing.",
    )
    # Without ids in the file, the same annotations have the same ids when it is read again.
    assert [one.id for one in read(path).annotations] == [one.id for one in found.annotations]


def test_an_unnamed_layer_is_called_by_its_description(tmp_path: Path) -> None:
    drawn = write_xml(tmp_path / "a.xml", [region(rectangle(0, 0, 9, 9))], layer="Layer 7")
    described = '<Attributes><Attribute Name="Description" Value="TCZ"/></Attributes><Regions>'
    text = drawn.read_text("utf-8").replace("<Regions>", described)
    (one,) = found_in(tmp_path, "a.xml", text).annotations
    assert one.annotation_class is not None
    assert one.annotation_class.name == "TCZ"


def test_an_island_in_a_hole_stays(tmp_path: Path) -> None:
    ring = shapely.Point(500, 500).buffer(200).difference(shapely.Point(500, 500).buffer(100))
    shape = shapely.union_all([star(500, 500, 30), ring])
    for key, suffix in SUFFIXES.items():
        path = tmp_path / f"a{suffix}"
        written(path, key, Annotation(ID, Kind.AREA, shape))
        assert read(path).annotations[0].geometry.area == pytest.approx(shape.area, rel=1e-4)


def test_a_file_of_asap_is_told_by_its_content(tmp_path: Path) -> None:
    points = "".join(
        f'<Coordinate Order="{k}" X="{x}" Y="{y}"/>'
        for k, x, y in ((1, 9, 0), (0, 0, 0), (2, 9, 9))
    )
    text = (
        '<?xml version="1.0"?><ASAP_Annotations><Annotations>'
        f'<Annotation Name="Annotation 0" Type="Spline" PartOfGroup="Tumor" Color="#F4FA58">'
        f"<Coordinates>{points}</Coordinates></Annotation>"
        f'<Annotation Name="p" Type="PointSet" PartOfGroup="None" Color="#64FE2E">'
        f"<Coordinates>{points}</Coordinates></Annotation>"
        f'<Annotation Type="Odd"><Coordinates>{points}</Coordinates></Annotation>'
        '</Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#ff0000">'
        "<Attributes/></Group></AnnotationGroups></ASAP_Annotations>"
    )
    found = found_in(tmp_path, "camelyon.xml", text)
    polygon, dots = found.annotations
    assert polygon.geometry.area == 40.5
    assert polygon.annotation_class == AnnotationClass("Tumor", (255, 0, 0))
    assert shapely.get_num_geometries(dots.geometry) == 3
    assert dots.color == (0x64, 0xFE, 0x2E)
    assert found.sentences == ("1 object was left out, as its kind is not known.",)


def test_ndpa_is_in_nm_from_the_centre_of_the_glass(tmp_path: Path) -> None:
    # The slide: 40,000 x 30,000 px of 500 x 250 nm, its centre at (1,000,000, -2,000,000) nm.
    text = (
        "<annotations><ndpviewstate id='1'><title>in situ</title><details>n</details>"
        "<coordformat>nanometers</coordformat><annotation type='circle' color='#ffffff'>"
        "<x>1000500</x><y>-2000000</y><radius>5000</radius></annotation></ndpviewstate>"
        "<ndpviewstate id='2'><title>mitoses</title><coordformat>micrometers</coordformat>"
        "<annotation type='pin' color='#ff0000'><x>1000</x><y>-2001</y></annotation>"
        "</ndpviewstate><ndpviewstate id='3'><annotation type='freehand'><closed>0</closed>"
        "<pointlist><point><x>1</x><y>a</y></point></pointlist></annotation></ndpviewstate>"
        "<ndpviewstate id='4'><annotation type='pin'><x>5</x><y>nan</y></annotation>"
        "</ndpviewstate></annotations>"
    )
    found = found_in(tmp_path, "slide.ndpi.ndpa", text)
    circle, pin = found.annotations
    assert circle.shape == Frame(20001, 15000, 20, 40)
    assert circle.annotation_class is not None
    assert (circle.annotation_class.name, circle.note) == ("In situ", "n")
    assert pin.bounds[:2] == (20000, 14996)
    assert (pin.name, pin.color) == ("mitoses", (255, 0, 0))
    assert "2 objects were left out, as a point of them is no number" in found.sentences[0]

    elsewhere = replace(SLIDE, center_nm=None)
    with pytest.raises(AnnotationError, match="does not state where on the glass it lies"):
        read_annotations(tmp_path / "slide.ndpi.ndpa", elsewhere, UNWATCHED)
    with pytest.raises(ExportError, match="use GeoJSON"):
        write_annotations(format_named("ndpa"), tmp_path / "b.ndpa", [], elsewhere, UNWATCHED)
    assert not (tmp_path / "b.ndpa").exists()


BILLION_LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Annotations>&b;</Annotations>'


@pytest.mark.parametrize("name", ["a.xml", "a.ndpa", "a.asap.xml"])
@pytest.mark.parametrize(
    "text",
    [
        *("", "<Annotations>", "<html/>", BILLION_LAUGHS, "<a>" * 3000, "\0\0"),
        *("<a>" * 3000 + "</a>" * 3000, "<Vertex/>", "<Coordinate/>", "<point/>"),
    ],
)
def test_what_is_no_file_of_annotations_is_explained(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(AnnotationError, match=rf"^{name} .*\.$"):
        found_in(tmp_path, name, text)


@pytest.mark.parametrize(
    ("name", "start", "part", "end"),
    [
        ("a.xml", "<Annotations>", "<a/>", "</Annotations>"),
        ("a.xml", "<Annotations><a ", "b{}='' ", "/></Annotations>"),
        ("a.xml", "<Annotations>", "<Vertex/>", "</Annotations>"),
        ("a.asap.xml", "<ASAP_Annotations>", "<Coordinate/>", "</ASAP_Annotations>"),
        ("a.ndpa", "<annotations>", "<point><x>1</x></point>", "</annotations>"),
    ],
)
def test_more_parts_than_memory_has_room_for_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, start: str, part: str, end: str
) -> None:
    monkeypatch.setattr(xml_reading, "_MOST_PARTS", 50)
    monkeypatch.setattr(xml_reading, "_MOST_POINTS", 50)

    def text(count: int) -> str:
        return start + "".join(part.format(at) for at in range(count)) + end

    assert not found_in(tmp_path, name, text(45)).annotations
    with pytest.raises(AnnotationError, match=rf"^{name} has more than 50 .* divide it\.$"):
        found_in(tmp_path, name, text(60))


def test_points_that_stand_between_other_elements_or_in_other_forms_are_read(
    tmp_path: Path,
) -> None:
    vertices = "<Vertex X='0' Y='0'/><Other/><Vertex X=' 9' Y='0,5'/><Vertex Y='9' X='9e0'/>"
    text = f"<Annotations><Annotation><Region>{vertices}</Region></Annotation></Annotations>"
    (one,) = found_in(tmp_path, "a.xml", text).annotations
    assert shapely.get_coordinates(one.geometry).tolist() == [[0, 0], [9, 0.5], [9, 9], [0, 0]]
    # A character of a declared encoding, and one of an encoding that is not the declared one.
    for encoding, declared in (("iso-8859-15", "iso-8859-15"), ("cp1252", "utf-8")):
        named = text.replace("<Region>", "<Region Text='Größe'>")
        declaration = f'<?xml version="1.0" encoding="{declared}"?>'
        (tmp_path / "b.xml").write_bytes((declaration + named).encode(encoding))
        assert read(tmp_path / "b.xml").annotations[0].name == "Größe"


def test_the_longest_suffix_decides_what_is_written() -> None:
    for name, key in (("A.XML", "imagescope"), ("a.asap.xml", "asap"), ("a.json.gz", "geojson")):
        assert format_to_write(Path(name)).key == key
    with pytest.raises(BachviewError, match="does not say which format"):
        format_to_write(Path("a.doc"))


def test_hundreds_of_negative_regions_cut_what_they_touch(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"

    def region(box: tuple[int, int, int, int], negative: int) -> str:
        corners = shapely.box(*box).exterior.coords[:-1]
        places = "".join(f'<Vertex X="{x}" Y="{y}"/>' for x, y in corners)
        return f'<Region Type="0" NegativeROA="{negative}"><Vertices>{places}</Vertices></Region>'

    regions = [region((0, 0, 20_000, 50), 0), region((100, 100, 200, 200), 0)]
    regions += [region((20 * at, 10, 20 * at + 5, 15), 1) for at in range(1, 900)]
    regions += [region((90, 90, 210, 210), 1), region((900, 900, 910, 910), 1)]
    path.write_text(f"<Annotations><Annotation>{''.join(regions)}</Annotation></Annotations>")
    found = read(path)
    (sieve,) = found.annotations
    assert sieve.geometry.area == 20_000 * 50 - 899 * 25
    assert found.sentences == (
        "1 negative region was left out, as it cuts nothing.",
        "1 region was left out, as negative regions cover it.",
    )


def test_columns_of_others_that_are_called_like_ours_join_no_regions(tmp_path: Path) -> None:
    header = '<RegionAttributeHeaders><AttributeHeader Id="1" Name="Id"/></RegionAttributeHeaders>'
    patient = '<Attributes><Attribute Name="1" Value="P7"/></Attributes>'
    squares = [
        "".join(f'<Vertex X="{x}" Y="{y}"/>' for x, y in ((at, 0), (at + 90, 0), (at, 90)))
        for at in (0, 500)
    ]
    regions = [f"<Region Type='0'>{patient}<Vertices>{one}</Vertices></Region>" for one in squares]
    inside = f"<Regions>{header}{''.join(regions)}</Regions>"
    text = f"<Annotations><Annotation>{inside}</Annotation></Annotations>"
    first, second = found_in(tmp_path, "a.xml", text).annotations
    assert first.geometry.area == second.geometry.area == 4050
    assert '"Id": "P7"' in first.extra


def test_a_class_keeps_a_name_that_imagescope_gives_to_new_layers(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    own = AnnotationClass("Layer 2", (1, 2, 3))
    written(path, "imagescope", Annotation(ID, Kind.AREA, star(900, 900, 90), own))
    (found,) = read(path).annotations
    assert found.annotation_class == own


def test_our_own_file_is_of_its_slide_though_pixels_are_not_square(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    written(path, "imagescope", Annotation(ID, Kind.AREA, star(900, 900, 90)))
    text = path.read_text("utf-8")
    sides = f"{SLIDE.pixel_size.mpp:.6g}", SLIDE.pixel_size.mpp_x, SLIDE.pixel_size.mpp_y
    assert sides[1] != sides[2]
    for stated in sides:
        assert not found_in(tmp_path, "b.xml", text.replace(sides[0], str(stated), 1)).sentences
    (sentence,) = found_in(tmp_path, "b.xml", text.replace(sides[0], "1", 1)).sentences
    assert "may have been made for another slide" in sentence
