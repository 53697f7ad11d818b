"""What a frozen or installed program must do: each check compares it with the source.

``tools/installers/check_frozen.py`` runs all of them; the tests of the packages run the same
ones on the program that they have installed.
"""

import csv
import json
import re
import statistics
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.config import resource_folder
from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.program import Program

#: Formats that Qt's plug-ins would read as well, and that the program leaves out.
_QT_FORMATS_LEFT_OUT: Final = {"tga", "wbmp"}
_STARTS: Final = 3
#: Height and width of the time in a picture's legend, px.
_LINE_PX: Final = (24, 300)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried, on what.

    Attributes
    ----------
    program : to be tried.
    source : what it is compared with.
    folder : both write here.
    slide : a phantom.
    photo : a picture of tissue.
    readable : files that both are to read.
    """

    program: Program
    source: Program
    folder: Path
    slide: Path
    photo: Path
    readable: tuple[Path, ...]

    def out(self, name: str) -> tuple[Path, Path]:
        """Where the program and the source write what is compared."""
        return self.folder / "program" / name, self.folder / "source" / name


#: Tries one thing, and says in a line what was found.
Check = Callable[[Trial], str]


def make_trial(program: Program, folder: Path, readable: tuple[Path, ...]) -> Trial:
    """Draw what the checks need, with the source, into `folder`."""
    source = Program.source(folder / "home-of-source")
    slide, photo = folder / "phantom.tiff", folder / "photo.png"
    source.run("phantom", slide, "--width", "1800", "--height", "1400")
    with Image.open(slide) as picture:
        picture.crop((200, 200, 1224, 968)).save(photo)
    for side in ("program", "source"):
        (folder / side).mkdir()
    return Trial(program, source, folder, slide, photo, readable)


def version(trial: Trial) -> str:
    """It starts, and is the version of the source."""
    said = trial.program.run("--version").stdout.strip()
    return _require(said.startswith(f"bachview {__version__} ("), said)


def commands(trial: Trial) -> str:
    """A command that only looks says the same."""
    ours, theirs = (
        json.loads(each.run("info", trial.slide, "--json").stdout)
        for each in (trial.program, trial.source)
    )
    return _require(ours == theirs, f"info: {len(ours)} facts", f"info says {ours}, not {theirs}")


def classification(trial: Trial) -> str:
    """The default bundle gives the same table to the last digit, and the same picture."""
    ours, theirs = trial.out("classified")
    for program, folder in ((trial.program, ours), (trial.source, theirs)):
        program.run("classify", trial.slide, "--output", folder)
    names = sorted(file.name for file in ours.iterdir())
    _require(names == sorted(file.name for file in theirs.iterdir()), "", f"it wrote {names}")
    for name in ("predictions.csv", "overlay.png"):
        require_same(ours / name, theirs / name)
    features = [_features(each / "predictions.geojson") for each in (ours, theirs)]
    _require(features[0] == features[1], "", "the GeoJSON differs")
    rows = len((ours / "predictions.csv").read_text("utf-8").splitlines())
    return f"{rows} lines of CSV, the picture and {len(features[0])} outlines are the same"


def prediction(trial: Trial) -> str:
    """A photo gets the same probabilities."""
    ours, theirs = trial.out("predicted.csv")
    for program, file in ((trial.program, ours), (trial.source, theirs)):
        asked = ("--mpp", "0.5", "--anyway", "--output", file)
        program.run("predict", "default", trial.photo, *asked)
    require_same(ours, theirs)
    return "the same line for a photo"


def report(trial: Trial) -> str:
    """A report with plots has the same figures, and as many pictures."""
    ours, theirs = trial.out("report.html")
    photos = _write_photos(trial.folder / "photos")
    said = []
    for program, file in ((trial.program, ours), (trial.source, theirs)):
        answer = program.run("evaluate", "selftest", photos, "--output", file, "--json")
        said.append(json.loads(answer.stdout))
    _require(said[0]["photo"] == said[1]["photo"], "", "the figures of the report differ")
    plots, expected = (path.read_text("utf-8").count("data:image/svg") for path in (ours, theirs))
    return _require(plots == expected > 0, f"{plots} plots", f"{plots} plots, not {expected}")


def results_and_help(trial: Trial) -> str:
    """Results can be listed and exported again, photos checked, and a problem reported."""
    ours, _ = trial.out("exported")
    listed = json.loads(trial.program.run("results", "list", trial.slide, "--json").stdout)
    trial.program.run("results", "export", trial.slide, "--output", ours)
    trial.program.run("dataset", "check", _write_photos(trial.folder / "photos"), "--json")
    told = trial.program.run("problem-report").stdout
    _require(__version__ in told, "", "the problem report does not say the version")
    return f"{len(listed)} entries, {len(list(ours.iterdir()))} files, a report of a problem"


def unknown_bundle(trial: Trial) -> str:
    """A bundle that is new here is tried in a child process, which must start."""
    ours, _ = trial.out("renamed.bachmodel")
    with (
        zipfile.ZipFile(resource_folder() / "models" / "selftest.bachmodel") as known,
        zipfile.ZipFile(ours, "w", zipfile.ZIP_DEFLATED) as renamed,
    ):
        for name in known.namelist():
            content = known.read(name)
            if name == "manifest.json":
                document = json.loads(content) | {"name": f"New at {time.time()}"}
                content = json.dumps(document).encode()
            renamed.writestr(name, content)
    told = json.loads(trial.program.run("bundle", "verify", ours, "--json").stdout)
    failed = [check for check in told["checks"] if not check["ok"]]
    return _require(not failed, f"{len(told['checks'])} checks passed", f"{failed}")


def self_test(trial: Trial) -> str:
    """Its own self-test passes."""
    told = json.loads(trial.program.run("selftest", "--json").stdout)
    return f"{len(told['checks'])} checks"


def training(trial: Trial) -> str:
    """Without TensorFlow it says in one sentence what to install."""
    asked = ("train", trial.folder, "--output", trial.folder / "run")
    said = trial.program.run(*asked, code=3).stderr.strip()
    return _require("bachview[tensorflow]" in said and "\n" not in said, said)


def parts(trial: Trial) -> str:
    """Qt's plug-ins, the devices, and the pixels of every kind of file are those of the source."""
    ours, theirs = (_parts(each, trial.readable) for each in (trial.program, trial.source))
    formats = set(theirs["qt"]["image formats"]) - _QT_FORMATS_LEFT_OUT
    theirs["qt"]["image formats"] = sorted(formats)
    for part, told in theirs["qt"].items():
        _require(ours["qt"][part] == told and told, "", f"{part}: {ours['qt'][part]}, not {told}")
    _require(ours["devices"] == theirs["devices"], "", f"devices: {ours['devices']}")
    other = [name for name, told in theirs["slides"].items() if ours["slides"][name] != told]
    _require(not other, "", f"{len(other)} files are read differently: {', '.join(other[:5])}")
    read = sum(re.fullmatch("[0-9a-f]{64}", told) is not None for told in ours["slides"].values())
    return (
        f"{len(formats)} image formats of Qt, {', '.join(ours['devices'])}, and {read} of "
        f"{len(trial.readable)} files have the same pixels; the others are refused alike"
    )


def window(trial: Trial) -> str:
    """The window opens, and shows a slide; says how long the start takes beside the source."""
    ours, theirs = (_start_s(each) for each in (trial.program, trial.source))
    told = json.loads(
        trial.program.run_module("bachview.bench.window_probe", "opening", trial.slide)
    )
    where = "on X" if trial.program.display else "in memory"
    return (
        f"{where}: window after {ours:.2f} s (source: {theirs:.2f} s), first picture of a slide "
        f"after {told['first_picture_s']:.2f} s"
    )


#: All of them, in an order in which the first failure tells most.
CHECKS: Final[tuple[Check, ...]] = (
    version,
    commands,
    parts,
    training,
    unknown_bundle,
    self_test,
    classification,
    prediction,
    report,
    results_and_help,
    window,
)


def _write_photos(folder: Path) -> Path:
    """A data set of two photos of each class."""
    from tests.support.photo_folders import PREFIXES, write_photo

    for place, (key, prefix) in enumerate(PREFIXES.items()):
        for number in (1, 2):
            path = folder / "Photos" / key / f"{prefix}{number:03}.png"
            write_photo(path, 10 * place + number, size=(320, 240))
    return folder


def _parts(program: Program, files: tuple[Path, ...]) -> dict[str, Any]:
    told = json.loads(program.run_module("bachview.bench.parts_probe", *files))
    if not isinstance(told, dict):
        raise InstallerError(f"The parts of the program are no JSON object: {told}")
    return told


def _start_s(program: Program) -> float:
    """The median of several starts: the first reads from the disk."""
    module = "bachview.bench.window_probe"
    told = [
        json.loads(program.run_module(module, "start", str(time.time()))) for _ in range(_STARTS)
    ]
    return statistics.median(float(each["on_screen_s"]) for each in told)


def _features(path: Path) -> list[Any]:
    features: list[Any] = json.loads(path.read_text("utf-8"))["features"]
    return features


def _differ_in_time_only(ours: npt.NDArray[np.uint8], theirs: npt.NDArray[np.uint8]) -> bool:
    """Whether at most one line of the legend differs: it says when it was classified."""
    if ours.shape != theirs.shape:
        return False
    places = np.argwhere((ours != theirs).any(axis=-1))
    if not places.size:
        return True
    height, width = np.ptp(places, axis=0) + 1
    return bool(height <= _LINE_PX[0] and width <= _LINE_PX[1])


def require_same(ours: Path, theirs: Path) -> None:
    """The same rows, or the same pixels but for the time."""
    if ours.suffix == ".png":
        with Image.open(ours) as ours_shown, Image.open(theirs) as theirs_shown:
            is_same = _differ_in_time_only(np.asarray(ours_shown), np.asarray(theirs_shown))
        _require(is_same, "", f"the picture {ours.name} differs")
        return
    rows = [list(csv.reader(path.read_text("utf-8").splitlines())) for path in (ours, theirs)]
    _require(rows[0] == rows[1] and len(rows[0]) > 1, "", f"the table {ours.name} differs")


def _require(holds: object, said: str, otherwise: str = "") -> str:
    """`said`, if it holds.

    Raises
    ------
    InstallerError
        It does not.
    """
    if not holds:
        raise InstallerError(otherwise or said)
    return said
