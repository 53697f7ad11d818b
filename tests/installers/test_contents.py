"""What goes into the frozen program, and what is left out of it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.installers import contents
from tools.installers.places import ROOT

ENVIRONMENT = (Path("/env"), Path("/python"))


def is_wanted(place: str, source: str = "") -> bool:
    return contents.is_wanted(place, source or f"/env/{place}", ENVIRONMENT)


@pytest.mark.parametrize(
    "place",
    [
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        "PySide6\\plugins\\platforms\\qwindows.dll",
        "PySide6/plugins/imageformats/qjpeg.dll",
        "PySide6/Qt/plugins/iconengines/libqsvgicon.so",
        "PySide6/Qt/plugins/wayland-shell-integration/libxdg-shell.so",
        "PySide6/Qt/lib/libQt6Widgets.so.6",
        "libQt6PrintSupport.so.6",
        "openvino/libs/libopenvino.so.2641",
        "openvino/libs/libopenvino_ir_frontend.so.2641",
        "openvino/libs/libopenvino_intel_npu_plugin.so",
        "openvino/libs/openvino_intel_cpu_plugin.dll",
        "openvino/libs/libtbb.so.12",
        "openvino/libs/cache.json",
        "matplotlib/mpl-data/matplotlibrc",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf",
        "matplotlib/mpl-data/fonts/ttf/LastResortHE-Regular.ttf",
        "bachview/resources/models/selftest.bachmodel",
        "numpy.libs/libscipy_openblas64_-32a4b2a6.so",
    ],
)
def test_what_the_program_needs_goes_in(place: str) -> None:
    assert is_wanted(place)


@pytest.mark.parametrize(
    "place",
    [
        "PySide6/Qt/plugins/platforms/libqeglfs.so",
        "PySide6/Qt/plugins/tls/libqopensslbackend.so",
        "PySide6/plugins/networkinformation/qnetworklistmanager.dll",
        "PySide6/Qt/translations/qtbase_de.qm",
        "PySide6/Qt/lib/libQt6Network.so.6",
        "libQt6Network.so.6",
        "PySide6/Qt6Network.dll",
        "openvino/libs/libopenvino_tensorflow_frontend.so.2641",
        "libopenvino_pytorch_frontend.so.2641",
        "openvino/libs/openvino_onnx_frontend.dll",
        "openvino/frontend/paddle/py_paddle_frontend.cpython-311-x86_64-linux-gnu.so",
        "openvino/libs/tbb.pc",
        "sklearn/datasets/tests/data/x.arff",
        "matplotlib/mpl-data/sample_data/topobathy.npz",
        "matplotlib/mpl-data/fonts/ttf/STIXGeneral.ttf",
        "pydicom/__init__.pyi",
    ],
)
def test_what_it_never_uses_stays_out(place: str) -> None:
    assert not is_wanted(place)


@pytest.mark.parametrize(
    ("name", "goes_in"),
    [
        ("libxcb-cursor.so.0", True),
        ("libxkbcommon-x11.so.0", True),
        ("libcrypto.so.3", True),
        ("libpython3.12.so.1.0", True),
        ("libX11.so.6", False),
        ("libxcb.so.1", False),
        ("libgtk-3.so.0", False),
        ("libstdc++.so.6", False),
        ("libssl.so.3", False),
    ],
)
def test_libraries_of_the_building_system_go_in_only_where_others_lack_them(
    name: str, goes_in: bool
) -> None:
    assert is_wanted(name, f"/usr/lib/x86_64-linux-gnu/{name}") == goes_in


def test_an_environment_behind_a_link_is_the_programs_own(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    library = tmp_path / "real" / "libshiboken6.abi3.so.6.11"
    library.touch()
    assert contents.is_wanted(library.name, str(library), (tmp_path / "link",))


def test_the_codecs_that_the_program_calls_go_in() -> None:
    called = (ROOT / "bachview" / "slide" / "formats").glob("*.py")
    text = "\n".join(path.read_text("utf-8") for path in called)
    used = set(re.findall(r"imagecodecs\.(\w+_decode)", text))
    assert "jpeg8_decode" in used
    # Alone, as this process has loaded codecs before.
    program = (
        "import json, pkgutil, sys, imagecodecs;"
        "kept, used = json.loads(sys.argv[1]);"
        "names = [name for _, name, _ in pkgutil.iter_modules(imagecodecs.__path__)];"
        "codecs = [n for n in names if n.startswith('_') and n != '_imagecodecs'];"
        "sys.modules.update((f'imagecodecs.{n}', None) for n in codecs if n[1:] not in kept);"
        "[getattr(imagecodecs, name) for name in used];"
        "print(len(codecs) - len(kept))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, json.dumps([contents.CODECS, sorted(used)])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) > 0


def test_training_stays_out() -> None:
    assert {"tensorflow", "keras", "torch", "timm"} <= set(contents.LEFT_OUT_MODULES)


def test_the_packages_that_are_shipped_are_the_dependencies_and_theirs() -> None:
    names = contents.distributions(ROOT / "pyproject.toml")
    assert {"numpy", "pyside6-essentials", "shiboken6", "joblib", "openvino"} <= set(names)
    assert not {"tensorflow", "pytest", "pyinstaller", "openvino-telemetry"} & set(names)


def test_modules_that_are_imported_by_name_are_found_in_plain_folders_too() -> None:
    names = contents.modules_of("skops", "io")
    assert {"skops.io._sklearn", "skops.io.old._general_v0"} <= set(names)
    assert not any(".tests." in name for name in names)


def test_libraries_that_are_loaded_by_name_are_found() -> None:
    names = {Path(source).name.split(".")[0] for source, _ in contents.extra_libraries()}
    assert {"libopenvino_intel_cpu_plugin", "libopenslide", "cache"} <= names
