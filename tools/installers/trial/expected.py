"""What the source, run on this machine, says of the slides of the trial."""

import csv
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bachview.export.page import PICTURE_BOX
from tools.installers.errors import InstallerError
from tools.installers.places import ROOT

TABLE, PICTURE = "predictions.csv", "overlay.png"


@dataclass(frozen=True, slots=True)
class TrialSlide:
    """A slide, and the folder of what the source says of it.

    Attributes
    ----------
    path : in the folder that the systems see.
    """

    path: Path
    expected: Path


def prepare(shared: Path, home: Path, real: Path | None) -> list[TrialSlide]:
    """A phantom and, if there is one, a real slide, classified by the source.

    Parameters
    ----------
    shared : folder that the systems see; the slides are put there.
    home : of the source's results and settings.
    """
    phantom = shared / "phantom.tiff"
    _source(home, "phantom", phantom, "--width", "3000", "--height", "2400")
    slides = [phantom]
    if real is not None:
        slides.append(shared / real.name)
        shutil.copyfile(real, slides[-1])
    prepared = []
    for slide in slides:
        slide.chmod(0o644)
        folder = home / "expected" / slide.stem
        _source(home, "classify", slide, "--output", folder)
        prepared.append(TrialSlide(slide, folder))
    return prepared


def _source(home: Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bachview", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "BACHVIEW_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise InstallerError(f"The source cannot do this: {done.stderr.strip()}")


def compare(slide: TrialSlide, written: Path) -> str:
    """What was compared, in words; every number and every pixel is the same.

    Raises
    ------
    InstallerError
        One differs.
    """
    ours, theirs = (_rows(folder / TABLE) for folder in (slide.expected, written))
    if ours != theirs:
        differing = sum(a != b for a, b in zip(ours, theirs, strict=False))
        raise InstallerError(
            f"{slide.path.name}: of {len(ours)} rows of {TABLE}, {differing} differ from the "
            f"source's ({len(theirs)} rows are there)."
        )
    with Image.open(slide.expected / PICTURE) as a, Image.open(written / PICTURE) as b:
        mine = _without_legend(a)
        if not np.array_equal(mine, _without_legend(b)):
            raise InstallerError(f"{slide.path.name}: {PICTURE} differs from the source's.")
        size = f"{mine.shape[1]} × {mine.shape[0]}"
    return f"{len(ours) - 1} cells and {size} pixels of {slide.path.name} as by the source"


def _without_legend(picture: Image.Image) -> np.ndarray:
    """The slide without what stands beside it, where the time of the classification is stated."""
    x, y, width, height = map(int, picture.info[PICTURE_BOX].split(", "))
    return np.asarray(picture.convert("RGBA").crop((x, y, x + width, y + height)))


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
