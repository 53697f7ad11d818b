"""What goes into the frozen program, and what is left out of it.

PyInstaller follows imports and takes too much: every plug-in of Qt and OpenVINO, and libraries of
the machine that builds. It also takes too little: OpenVINO's plug-ins and the codecs of imagecodecs
are only found by name, while the program runs.

Places are those within the frozen program, with ``/`` between the parts.
"""

import importlib.util
import re
import tomllib
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Final

from bachview.licences.document import LEFT_OUT

#: Never imported in the frozen program. Training stays out with TensorFlow, which alone is larger
#: than all the rest.
LEFT_OUT_MODULES: Final = (
    *("tensorflow", "keras", "torch", "timm", "jax", "h5py"),
    *("pytest", "_pytest", "hypothesis", "pandas", "pyarrow", "polars", "IPython", "PyQt6"),
    *("pip", "setuptools", "pkg_resources", "distutils", "wheel", "ensurepip", "lib2to3"),
    *("tkinter", "_tkinter", "turtle", "idlelib", "readline", "curses", "_curses", "_uuid"),
    # The program never uses a network.
    *("ssl", "_ssl", "PySide6.QtNetwork", "PySide6.QtDBus", "openvino_telemetry"),
    # Reading of what other frameworks write; a bundle holds OpenVINO's own format.
    *(f"openvino.frontend.{name}" for name in ("jax", "onnx", "paddle", "pytorch", "tensorflow")),
    "openvino.torch",
    "matplotlib.tests",
)

#: The plug-ins of Qt that stay, by folder, on all systems; every other folder is left out whole.
QT_PLUGINS: Final = {
    "platforms": {"xcb", "wayland", "offscreen", "windows", "cocoa"},
    "imageformats": {"gif", "icns", "ico", "jpeg", "svg", "tiff", "webp"},
    "iconengines": {"svgicon"},
    "styles": {"modernwindowsstyle", "windowsvistastyle", "macstyle"},
    "platformthemes": {"gtk3", "xdgdesktopportal"},
    "platforminputcontexts": {
        "composeplatforminputcontextplugin",
        "ibusplatforminputcontextplugin",
    },
    "printsupport": {"cupsprintersupport"},
    "xcbglintegrations": {"xcb-egl-integration", "xcb-glx-integration"},
    "wayland-decoration-client": {"adwaita", "bradient"},
    "wayland-shell-integration": {"xdg-shell"},
}

#: Libraries of Qt that only the plug-ins and modules above need.
QT_LIBRARIES_LEFT_OUT: Final = re.compile(
    r"(Qt6?|libQt6)(Network|EglFS|EglFs|Qml|Quick|VirtualKeyboard|WlShellIntegration)"
)

#: OpenVINO's libraries that stay: what reads its own format, and runs it on each kind of device.
OPENVINO_LIBRARIES: Final = {
    *("openvino", "openvino_ir_frontend", "openvino_auto_plugin", "openvino_auto_batch_plugin"),
    *("openvino_intel_cpu_plugin", "openvino_intel_gpu_plugin", "openvino_intel_npu_plugin"),
    *("openvino_intel_npu_compiler", "openvino_arm_cpu_plugin"),
}

#: imagecodecs' modules that `bachview.slide.formats` calls, and those that they share.
CODECS: Final = (
    *("deflate", "imcd", "jpeg2k", "jpeg8", "jpegxl", "lerc", "lzma", "png", "shared"),
    *("shared_cython", "webp", "zlib", "zstd"),
)

#: Libraries of the building Linux system that come along; all others are the system's own to keep.
#: Those for X11 are not installed everywhere; the rest is what Python itself was linked with.
SYSTEM_LIBRARIES: Final = re.compile(
    r"lib(bz2|crypto|ffi|lzma|python3\.\d+|sqlite3|xkbcommon|xkbcommon-x11|xcb-[a-z-]+)\.so"
)


#: Packages whose libraries are loaded by name, and the folder with them in each.
_LOADED_BY_NAME: Final = {"openvino": "libs", "openslide_bin": "."}

#: How a package came into the environment, with hashes of scripts that name its folder: no two
#: environments have the same.
_INSTALLATION: Final = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
_SOURCES: Final = {".pyi", ".pxd", ".pyx", ".h", ".hpp", ".c", ".cpp", ".cmake", ".pc"}


def is_wanted(place: str, source: str, environment: tuple[Path, ...]) -> bool:
    """Whether a file belongs into the frozen program.

    Parameters
    ----------
    place : of the file in the frozen program.
    source : where it comes from.
    environment : folders of the Python that is frozen; what lies elsewhere is the system's.
    """
    path = PurePosixPath(place.replace("\\", "/"))
    if "tests" in path.parts[:-1] or path.suffix in _SOURCES:
        return False
    if path.name in _INSTALLATION and path.parent.suffix == ".dist-info":
        return False
    if "PySide6" in path.parts or path.name.startswith(("libQt6", "Qt6")):
        return _is_wanted_of_qt(path)
    if "openvino" in path.parts or path.name.startswith(("libopenvino", "openvino")):
        return _is_wanted_of_openvino(path)
    if path.parts[:2] == ("matplotlib", "mpl-data"):
        return _is_wanted_of_matplotlib(path)
    if ".so" in path.name and Path(source).is_absolute():
        # The environment may be reached by a link.
        places = {Path(source), Path(source).resolve()}
        folders = {*environment, *(folder.resolve() for folder in environment)}
        is_own = any(place.is_relative_to(folder) for place in places for folder in folders)
        return is_own or SYSTEM_LIBRARIES.match(path.name) is not None
    return True


def _stem(path: PurePosixPath) -> str:
    """Name of a library without what differs between the systems."""
    return path.name.split(".")[0].removeprefix("lib")


def _is_wanted_of_qt(path: PurePosixPath) -> bool:
    if "translations" in path.parts:
        return False
    if "plugins" in path.parts:
        kind = path.parts[path.parts.index("plugins") + 1]
        return _stem(path).removeprefix("q") in QT_PLUGINS.get(kind, set())
    return QT_LIBRARIES_LEFT_OUT.match(path.name) is None


def _is_wanted_of_openvino(path: PurePosixPath) -> bool:
    name = _stem(path)
    if "frontend" in path.parts and name.startswith("py_"):
        return False
    return not name.startswith("openvino_") or name in OPENVINO_LIBRARIES


def _is_wanted_of_matplotlib(path: PurePosixPath) -> bool:
    """Plots are drawn into files, with matplotlib's own font and the one for what it lacks."""
    if "fonts" in path.parts:
        return path.name.startswith(("DejaVuSans", "LastResort", "cm"))
    return not {"sample_data", "images", "plot_directive"} & set(path.parts)


def extra_libraries() -> list[tuple[str, str]]:
    """(source, folder in the frozen program) of libraries that no import leads to."""
    found = []
    for package, inside in _LOADED_BY_NAME.items():
        folder = _folder(package) / inside
        place = (PurePosixPath(package) / inside).as_posix()
        found += [(str(path), place) for path in sorted(folder.iterdir()) if _is_library(path)]
    return found


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed here")
    return Path(spec.submodule_search_locations[0])


def _is_library(path: Path) -> bool:
    # The GPU plug-in reads which kernels are fastest from cache.json beside it.
    return ".so" in path.name or path.suffix in {".dll", ".dylib"} or path.name == "cache.json"


def modules_of(package: str, inside: str) -> list[str]:
    """The modules in a folder of a package: skops imports its own by names that it puts together.

    Some are in a folder without ``__init__.py``, in which PyInstaller does not look.
    """
    folder = _folder(package)
    files = sorted((folder / inside).rglob("*.py"))
    names = [".".join((package, *file.relative_to(folder).with_suffix("").parts)) for file in files]
    return [name for name in names if ".tests." not in name and not name.endswith("__init__")]


def distributions(project: Path) -> list[str]:
    """Names of the program's dependencies, and of theirs: what is shipped.

    Parameters
    ----------
    project : the project file, ``pyproject.toml``.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    with project.open("rb") as file:
        asked: list[str] = tomllib.load(file)["project"]["dependencies"]
    found: set[str] = set()
    while asked:
        requirement = Requirement(asked.pop())
        name = canonicalize_name(requirement.name)
        if name in found or name in LEFT_OUT:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found.add(name)
            asked += metadata.requires(name) or []
    return sorted(found)
