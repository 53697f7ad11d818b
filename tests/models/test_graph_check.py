"""A graph that was changed is refused before OpenVINO, which may crash on it, sees it."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from openvino import Model, opset8

from bachview.config import resource_folder
from bachview.errors import BundleError
from bachview.models.bundle.opened import open_bundle
from bachview.models.engines.graph import read_graph
from bachview.models.engines.graph_check import check_graph_file, check_inferred_sizes
from bachview.models.loading import load_ensemble
from tests.support.bundles import packed, rehash, unpacked
from tests.support.real_data import shared_file


def _graph(name: str = "selftest") -> tuple[bytes, int]:
    path = resource_folder() / "models" / f"{name}.bachmodel"
    if path.is_dir():
        return (path / "cnn.xml").read_bytes(), (path / "cnn.bin").stat().st_size
    with zipfile.ZipFile(path) as bundle:
        return bundle.read("cnn.xml"), bundle.getinfo("cnn.bin").file_size


@pytest.mark.parametrize("name", ["selftest", "default"])
def test_the_shipped_graphs_are_accepted(name: str) -> None:
    check_graph_file(*_graph(name), name)


def _first(pattern: str, replacement: str) -> Callable[[bytes], bytes]:
    def change(xml: bytes) -> bytes:
        text, count = re.subn(pattern, replacement, xml.decode(), count=1)
        assert count, pattern
        return text.encode()

    return change


CHANGES = {
    "another type": _first('type="SoftMax"', 'type="ReadValue"'),
    "another version": _first('type="SoftMax" version="opset8"', 'type="SoftMax" version="opset1"'),
    "a step back": _first(r'strides="\d+', 'strides="-1'),
    "no step": _first(r'strides="\d+', 'strides="0'),
    "an unknown attribute": _first(r"<data axis=", '<data variable_id="x" axis='),
    "an attribute out of its type": _first(r'axis="[^"]*"', 'axis="a"'),
    "a constant before the weights": _first(r'offset="\d+"', 'offset="-8"'),
    "a constant beyond the weights": _first(r'offset="\d+"', 'offset="999999999"'),
    "a constant of another size": _first(r'size="\d+"', 'size="4000000000"'),
    "a kernel too large": _first(r'kernel="\d+', 'kernel="300'),
    "a dilation too large": _first(r'dilations="\d+', 'dilations="300'),
    "a pad too large": _first(r'pads_begin="\d+', 'pads_begin="40000'),
    "a pad below nothing": _first(r'pads_end="\d+', 'pads_end="-1'),
    "a constant before the weights, then a good one": _first(
        r'(<data element_type="[^>]*offset=")(\d+)("[^>]*/>)', r"\1-8\3\1\2\3"
    ),
    "attributes twice, the first of them bad": _first(
        r'(<data [^>]*strides=")([^"]*)("[^>]*/>)', r"\1-1,-1\3\1\2\3"
    ),
    "attributes twice, the last of them bad": _first(
        r"(<data [^>]*strides=[^>]*/>)", r'\1<data strides="-1, -1"/>'
    ),
    "outputs twice": _first("<output>", "<output/><output>"),
    "inputs twice": _first("<input>", "<input/><input>"),
    "marks twice": _first("</layer>", "<rt_info/><rt_info/></layer>"),
    "a huge shape": _first(r"<dim>64</dim>", "<dim>99999999999</dim>"),
    "a size below -1": _first(r"<dim>64</dim>", "<dim>-7</dim>"),
    "a number of too many digits": _first(r"<dim>64</dim>", f"<dim>{'9' * 5000}</dim>"),
    "a connection to nowhere": _first(r'to-layer="\d+"', 'to-layer="9999"'),
    "a missing connection": _first(r"<edge [^>]*/>", ""),
    "a circle": _first(r'from-layer="\d+"', 'from-layer="47"'),
    "two layers of one number": _first(r'<layer id="1"', '<layer id="0"'),
    "an unknown section": _first("<edges>", "<meta/><edges>"),
    "an entity": lambda xml: xml.replace(b"<net", b'<!DOCTYPE n [<!ENTITY a "b">]><net', 1),
    "bytes that are no UTF-8": lambda xml: xml.replace(b"SoftMax", b"\xff\xfeMax", 1),
    "an unknown encoding": lambda xml: xml.replace(
        b'<?xml version="1.0"?>', b'<?xml version="1.0" encoding="rubbish"?>'
    ),
    "the end cut off": lambda xml: xml[: len(xml) // 2],
    "nothing": lambda xml: b"",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_graph_is_refused_in_a_sentence(change: Callable[[bytes], bytes]) -> None:
    xml, size = _graph()
    changed = change(xml)
    assert changed != xml
    with pytest.raises(BundleError, match=r"networks in its\.bachmodel are damaged or were chan"):
        check_graph_file(changed, size, "its.bachmodel")


@pytest.mark.parametrize(("shape", "why"), [([4, 1 << 29, 1], "too large"), ([-1, 2], "known")])
def test_sizes_that_openvino_infers_are_bounded(shape: list[int], why: str) -> None:
    patches = opset8.parameter([1], np.uint8)
    target = opset8.constant(np.abs(np.array(shape, np.int64)))
    large = opset8.broadcast(
        patches, target if -1 not in shape else opset8.shape_of(opset8.non_zero(patches))
    )
    with pytest.raises(BundleError, match=f"its.bachmodel are damaged or were changed.* {why}"):
        check_inferred_sizes(Model([large], [patches]), 1, "its.bachmodel")
    check_inferred_sizes(Model([opset8.relu(patches)], [patches]), 1, "its.bachmodel")


def test_a_bundle_whose_layers_grow_too_large_is_refused_before_it_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bachview.models.engines.graph_check._MOST_INFERRED", 12_000)
    bundle = open_bundle(resource_folder() / "models" / "selftest.bachmodel")
    with pytest.raises(BundleError, match="too large"):
        read_graph(bundle, batch=4)


def test_a_bundle_whose_graph_crashes_openvino_is_refused() -> None:
    with pytest.raises(BundleError, match="ReadValue"):
        load_ensemble(shared_file("bad/readvalue.bachmodel"))


def test_a_graph_that_crashes_openvino_ends_a_command_with_a_sentence(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "bundle")
    graph = folder / "cnn.xml"
    graph.write_text(graph.read_text().replace('type="SoftMax"', 'type="ReadValue"', 1))
    path = packed(rehash(folder), tmp_path / "crash.bachmodel")
    # In a process of its own: without the check it dies by a signal.
    command = [sys.executable, "-m", "bachview", "bundle", "verify", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 3, ended.stderr
    assert "ReadValue" in ended.stdout


def test_a_zip_entry_without_a_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nameless.bachmodel"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("x"), b"")
    content = path.read_bytes()
    # The directory's entry gets a name of no characters; the end knows the new size.
    start = content.index(b"PK\x01\x02")
    entry, end = content[start : start + 46], content[start + 47 :]
    entry = entry[:28] + b"\0\0" + entry[30:]
    end = end[:12] + (46).to_bytes(4, "little") + end[16:]
    path.write_bytes(content[:start] + entry + end)
    with pytest.raises(BundleError, match="name ''"):
        open_bundle(path)
