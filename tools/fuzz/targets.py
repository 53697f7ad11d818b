"""The doors of the program: what is put before each, and how it is used as the program does."""

import contextlib
import hashlib
import io
import json
import random
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tools.fuzz.mutation import mutated
from tools.old_results import as_format, seal_runs

ROOT = Path(__file__).resolve().parents[2]
SELFTEST = ROOT / "resources" / "models" / "selftest.bachmodel"
REAL_SLIDES = ROOT.parent / "shared" / "data" / "slides"
_MOST_SEED = 4 << 20
_FINGERPRINT = "q1:fuzz"


@dataclass(frozen=True)
class Target:
    """A door.

    Attributes
    ----------
    seeds : makes the undamaged files, by name, in an empty folder.
    use : what the program does with such a file.
    is_text : whether words and numbers are exchanged too.
    member : the file of a bundle that is mutated; its hash in the manifest is kept right.
    """

    name: str
    seeds: Callable[[Path], list[Path]]
    use: Callable[[Path], None]
    is_text: bool = False
    member: str | None = None

    def draw(self, seeds: list[Path], folder: Path, draw: random.Random) -> Path:
        """Write the next input into `folder`."""
        seed = draw.choice(seeds)
        content = seed.read_bytes()
        if self.member is not None:
            content = _bundle_with(content, self.member, draw, is_text=self.is_text)
        elif self.name == "store" and draw.random() < 0.7:
            content = _store_with_another_value(content, folder, draw)
        else:
            content = mutated(content, draw, is_text=self.is_text)
        path = folder / seed.name
        path.write_bytes(content)
        return path


def _bundle_with(bundle: bytes, member: str, draw: random.Random, *, is_text: bool) -> bytes:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files[member] = _member(files[member], draw, is_text=is_text)
    if member != "manifest.json":
        manifest = json.loads(files["manifest.json"])
        manifest["files"][member] = hashlib.sha256(files[member]).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()
    return _zipped(files)


def _member(content: bytes, draw: random.Random, *, is_text: bool) -> bytes:
    """A member mutated; one that is a zip itself mostly within, as its checksums hide the rest."""
    if not content.startswith(b"PK") or draw.random() < 0.2:
        return mutated(content, draw, is_text=is_text)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(sorted(files))
    files[name] = mutated(files[name], draw, is_text=name.endswith(".json"), head=128)
    return _zipped(files)


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _store_with_another_value(content: bytes, folder: Path, draw: random.Random) -> bytes:
    """A store of which one value was changed; half of them with checksums that are right again."""
    path = folder / "values.sqlite"
    path.write_bytes(content)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        select = "SELECT name FROM sqlite_master WHERE type='table'"
        table = draw.choice(sorted(row[0] for row in connection.execute(select)))
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        column = draw.choice(columns)
        row = connection.execute(f'SELECT rowid, "{column}" FROM "{table}"').fetchone()
        change = f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?'
        with contextlib.suppress(sqlite3.Error):  # the tables forbid it: it stays as it was
            if row is not None:
                connection.execute(change, (_another_value(row[1], draw), row[0]))
            if draw.random() < 0.5:
                _seal(connection)
    changed = path.read_bytes()
    path.unlink()
    return changed


def _another_value(value: object, draw: random.Random) -> object:
    """Something else altogether, or nearly the same."""
    if draw.random() < 0.3 or not isinstance(value, str | bytes):
        return draw.choice((None, -1, 2**62, 1e308, "", "x", "{}", "[1]", b"", b"\xff" * 9))
    if isinstance(value, str):
        return mutated(value.encode(), draw, is_text=True).decode(errors="replace")
    try:
        within = zlib.decompress(value)
    except zlib.error:
        return mutated(value, draw, is_text=False)
    return zlib.compress(mutated(within, draw, is_text=False))


def _seal(connection: sqlite3.Connection) -> None:
    """Make the checksums right, so that what is behind them is asked."""
    from bachview.store.grids import seal_grid
    from bachview.store.records import batch_crc, row_checksum

    version = connection.execute("PRAGMA user_version").fetchone()[0]
    grid = "grid" if version > 2 else "run"
    batches = connection.execute(
        f"SELECT id, {grid}, cells, states, probabilities, members FROM batches"
    ).fetchall()
    for batch, number, *blobs in batches:
        if version == 1:
            crc = zlib.crc32(b"".join(b for b in blobs if isinstance(b, bytes)))
        else:
            crc = batch_crc(batch, number, blobs)
        connection.execute("UPDATE batches SET crc = ? WHERE id = ?", (crc, batch))
    if version == 1:
        return
    if version == 2:
        seal_runs(connection)
    else:
        for (number,) in connection.execute("SELECT id FROM grids").fetchall():
            seal_grid(connection, number)
        for row in connection.execute("SELECT * FROM runs").fetchall():
            values = (row_checksum(row[:-1]), row[0])
            connection.execute("UPDATE runs SET checksum = ? WHERE id = ?", values)
    for (fingerprint,) in connection.execute("SELECT fingerprint FROM slide").fetchall():
        connection.execute("UPDATE slide SET checksum = ?", (row_checksum((fingerprint,)),))


def _selftest(_folder: Path) -> list[Path]:
    return [SELFTEST]


def _written(**files: str) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        paths = []
        for name, text in files.items():
            path = folder / name.replace("__", ".")
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        return paths

    return write


def _real(*endings: str) -> list[Path]:
    found = sorted(REAL_SLIDES.iterdir()) if REAL_SLIDES.is_dir() else []
    return [p for p in found if p.name.endswith(endings) and p.stat().st_size <= _MOST_SEED]


def _picture() -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.random.default_rng(1).integers(0, 256, (320, 448, 3), dtype=np.uint8)


def _tiffs(folder: Path) -> list[Path]:
    import tifffile

    picture, paths = _picture(), []
    for name, options in (
        ("tiled.tiff", {"tile": (64, 64)}),
        ("strips.tiff", {"rowsperstrip": 16, "compression": "lzw"}),
        ("big.tiff", {"tile": (64, 64), "compression": "zlib"}),
        ("plane.ome.tif", {"tile": (64, 64), "metadata": {"axes": "YXS", "PhysicalSizeX": 0.5}}),
    ):
        with tifffile.TiffWriter(folder / name, bigtiff=name == "big.tiff") as writer:
            writer.write(picture, photometric="rgb", **options)
        paths.append(folder / name)
    return paths + _real(".tiff", ".tif")


def _aperio(folder: Path) -> list[Path]:
    import tifffile

    picture, text = _picture(), "Aperio Image Library v1\r\n448x320|AppMag = 20|MPP = 0.5"
    with tifffile.TiffWriter(folder / "drawn.svs") as writer:
        for level in (picture, picture[::4, ::4]):
            writer.write(level, photometric="rgb", tile=(64, 64), description=text, metadata=None)
    return [folder / "drawn.svs", *_real(".svs")]


def _dicom(_folder: Path) -> list[Path]:
    return _real(".dcm")


def _images(folder: Path) -> list[Path]:
    from PIL import Image

    paths = [folder / "image.png", folder / "image.jpg"]
    for path in paths:
        Image.fromarray(_picture()[:96, :128]).save(path)
    return paths


def _settings(folder: Path) -> list[Path]:
    from bachview.core.geometry import Point
    from bachview.ui.session.settings import FILE_NAME, Settings, SettingsFile
    from bachview.ui.session.slide_memory import SlideMemory

    file = SettingsFile(folder)
    file.now = Settings(
        minimap=False,
        overlay_opacity=0.25,
        bundle="x",
        recent=(Path("a.svs"), Path("b.svs")),
        window_x=20,
        window_state=b"\x00\xff\x00\x01",
    ).with_slide(_FINGERPRINT, SlideMemory(Point(10, 20), 2.0, 0.0, 0.5))
    file.save()
    return [folder / FILE_NAME]


def _store(folder: Path) -> list[Path]:
    from bachview.core.geometry import Region
    from bachview.core.tissue_cells import TissueCells
    from bachview.store.results import ResultStore
    from bachview.store.schema import store_name
    from tests.support.runs import grid_key, provenance, results

    store = ResultStore.open(folder, _FINGERPRINT)
    grid = store.begin(grid_key(), TissueCells.centred(np.ones((6, 9), np.bool_)), provenance())
    run = store.start_run(grid, Region(0, 0, 9, 9), provenance())
    store.commit(grid, results([(0, 0), (0, 1), (1, 0)]), (run, 1.0))
    store.close()
    paths = [folder / store_name(_FINGERPRINT)]
    for version in (1, 2):
        paths.append(folder / f"format-{version}" / paths[0].name)
        paths[-1].parent.mkdir()
        shutil.copy(paths[0], paths[-1])
        as_format(version, paths[-1])
    return paths


def _use_slide(path: Path) -> None:
    from bachview.cli.info import info_document
    from bachview.slide.opening import open_slide

    reader = open_slide(path)
    try:
        info_document(reader.metadata, reader.route)
        for level in reader.metadata.pyramid.levels:
            reader.read(level.index, 0, 0, 64, 64)
        for name in reader.metadata.associated_images:
            reader.read_associated(name)
    finally:
        reader.close()


def _use_ome(path: Path) -> None:
    from bachview.slide.formats.ome import read_ome

    try:
        read_ome(path.read_text(encoding="utf-8", errors="replace"), 448, 320)
    except ValueError:
        pass  # as it promises; the adapter makes a sentence of it


def _use_bundle(path: Path) -> None:
    from bachview.models.loading import Loading

    with Loading(
        path, engine="openvino", device="CPU", precision="f32", is_trusted=True
    ) as loading:
        loading.take_all()


def _use_annotations(path: Path) -> None:
    from bachview.core.classes import BACH_CLASSES
    from bachview.datasets.annotations import read_annotations

    read_annotations(path, BACH_CLASSES)


def _use_annotation_files(path: Path) -> None:
    from bachview.core.pixel_size import PixelSize
    from bachview.marks.formats.found import UNWATCHED
    from bachview.marks.formats.frame_of_slide import SlideFrame
    from bachview.marks.formats.table import format_named, read_annotations, write_annotations

    slide = SlideFrame("a.ndpi", 4000, 3000, PixelSize.typed(0.5), (0.0, 0.0))
    found = read_annotations(path, slide, UNWATCHED)
    for key in ("geojson", "imagescope", "asap", "ndpa", "csv", "coco"):
        written = path.with_name(f"written.{key}")
        write_annotations(format_named(key), written, found.annotations, slide, UNWATCHED)


def _use_recipe(path: Path) -> None:
    from bachview.training.recipe import read_recipe

    read_recipe(path).to_toml()


def _use_table(path: Path) -> None:
    from bachview.core.classes import BACH_CLASSES
    from bachview.datasets.tables import read_classes, read_patients
    from bachview.errors import BachviewError

    try:
        read_classes(path, BACH_CLASSES)
    except BachviewError:
        pass  # the other reader is asked all the same
    read_patients(path)


def _use_settings(path: Path) -> None:
    from bachview.ui.session.settings import SettingsFile

    file = SettingsFile(path.parent)
    file.now = replace(file.now, bundle="y")
    file.save()


def _use_store(path: Path) -> None:
    from bachview.store.results import ResultStore

    store = ResultStore.open(path.parent, _FINGERPRINT)
    try:
        for grid in store.grids():
            store.tissue(grid.grid_id)
            store.load(grid.grid_id)
            store.runs(grid.grid_id)
    finally:
        store.close()


_XML = """<Annotations MicronsPerPixel="0.5"><Annotation Id="1" Name="benign"><Regions>
<Region Id="1" Type="0" Text="Benign" NegativeROA="0"><Attributes>
<Attribute Name="Invasive carcinoma" Id="0" Value=""/></Attributes><Vertices>
<Vertex X="10" Y="10"/><Vertex X="90.5" Y="10"/><Vertex X="90" Y="80"/><Vertex X="12" Y="70"/>
</Vertices></Region><Region Id="2" Type="2" Text="carcinoma in situ" NegativeROA="1"><Vertices>
<Vertex X="5" Y="5"/><Vertex X="40" Y="30"/></Vertices></Region></Regions></Annotation>
</Annotations>
"""
_OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels
 DimensionOrder="XYCZT" ID="Pixels:0" SizeX="448" SizeY="320" SizeC="3" SizeZ="1" SizeT="1"
 Type="uint8" SignificantBits="8" PhysicalSizeX="0.5" PhysicalSizeXUnit="µm" PhysicalSizeY="500"
 PhysicalSizeYUnit="nm"><Channel ID="Channel:0:0" SamplesPerPixel="3"/></Pixels></Image></OME>
"""
_GEOJSON = """{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry":
{"type": "Polygon", "coordinates": [[[1, 1], [90, 1], [90, 80], [1, 1]]], "plane": {"c": 1}},
"nucleusGeometry": {"type": "Polygon", "coordinates": [[[2, 2], [9, 2], [9, 8], [2, 2]]]},
"properties": {"objectType": "cell", "classification": {"names": ["a", "b"], "color": [1, 2, 3]},
"measurements": {"Area": "NaN"}, "metadata": {"bachview.kind": "ellipse"}}}]}
"""
_ASAP = """<ASAP_Annotations><Annotations><Annotation Name="a" Type="Polygon" PartOfGroup="T">
<Coordinates><Coordinate Order="0" X="1" Y="1"/><Coordinate Order="1" X="9" Y="1"/>
<Coordinate Order="2" X="9" Y="8"/></Coordinates></Annotation></Annotations><AnnotationGroups>
<Group Name="T" PartOfGroup="None" Color="#ff0000"/></AnnotationGroups></ASAP_Annotations>
"""
_NDPA = """<annotations><ndpviewstate id="1"><title>a</title><coordformat>nanometers</coordformat>
<annotation type="freehand" color="#ff0000"><closed>1</closed><pointlist><point><x>10</x><y>20</y>
</point><point><x>9000</x><y>20</y></point><point><x>9000</x><y>8000</y></point></pointlist>
</annotation></ndpviewstate></annotations>
"""
_CSV = "file,class,patient\nis001.tif,InSitu,1\nb001.tif,Benign,2\niv001.tif,Invasive,3\n"


def _recipes(_folder: Path) -> list[Path]:
    return sorted((ROOT / "resources" / "recipes").glob("*.toml"))


TARGETS = {
    target.name: target
    for target in (
        Target("manifest", _selftest, _use_bundle, True, "manifest.json"),
        Target("zip", _selftest, _use_bundle),
        Target("skops", _selftest, _use_bundle, False, "svm.skops"),
        Target("forest", _selftest, _use_bundle, False, "forest.skops"),
        Target("graph", _selftest, _use_bundle, True, "cnn.xml"),
        Target("golden", _selftest, _use_bundle, False, "golden.npz"),
        Target("tiff", _tiffs, _use_slide),
        Target("aperio", _aperio, _use_slide),
        Target("dicom", _dicom, _use_slide),
        Target("image", _images, _use_slide),
        Target("ome", _written(ome__xml=_OME), _use_ome, True),
        Target("annotations", _written(slide__xml=_XML), _use_annotations, True),
        Target(
            "marks",
            _written(a__geojson=_GEOJSON, a__xml=_XML, b__xml=_ASAP, a__ndpa=_NDPA),
            _use_annotation_files,
            True,
        ),
        Target("recipe", _recipes, _use_recipe, True),
        Target("table", _written(classes__csv=_CSV), _use_table, True),
        Target("settings", _settings, _use_settings, True),
        Target("store", _store, _use_store),
    )
}
