"""The wheel holds what the program needs offline: the default model, the guide, its commit."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from bachview.build_info import FILE_NAME
from bachview.phantom.writer import write_phantom
from bachview.version import __version__

ROOT = Path(__file__).resolve().parents[2]
MODEL = "bachview/resources/models/default.bachmodel"


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Of the files in the wheel, without building it; the build's own file is not among them."""
    builder = WheelBuilder(str(ROOT))
    forced = builder.recurse_forced_files(builder.config.force_include)
    files = [*builder.recurse_included_files(), *forced]
    return {Path(file.distribution_path).as_posix() for file in files}


def test_the_wheel_holds_the_default_model(names: set[str]) -> None:
    manifest = json.loads((ROOT / "resources/models/default.bachmodel/manifest.json").read_bytes())
    assert {f"{MODEL}/{name}" for name in (*manifest["files"], "manifest.json")} <= names
    assert "bachview/resources/models/selftest.bachmodel" in names


@pytest.mark.parametrize(
    "name",
    [
        "bachview/__main__.py",
        "bachview/py.typed",
        "bachview/resources/docs/user-guide.md",
        "bachview/resources/docs/images/demo.png",
        "bachview/resources/fonts/DejaVuSans.ttf",
        "bachview/resources/icons/bachview.svg",
        "bachview/resources/look/style.qss",
        "bachview/resources/recipes/bach.toml",
        "bachview/resources/schemas/classify.schema.json",
        "bachview/resources/templates/report.html",
    ],
)
def test_the_wheel_holds_what_the_program_reads(names: set[str], name: str) -> None:
    assert name in names


def test_the_wheel_holds_the_package_alone(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"bachview"}
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]
    every = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bachview").rglob("*.py")}
    assert every <= names


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1795867200"},
        capture_output=True,
        check=True,
    )
    (path,) = folder.iterdir()
    return path


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_built_wheel_runs_and_says_what_it_is(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.namelist().count(f"bachview/{FILE_NAME}") == 1
        stated = json.loads(archive.read(f"bachview/{FILE_NAME}"))
        assert stated["built"] == "2026-11-28T12:00:00+00:00"
        archive.extractall(tmp_path / "installed")
    write_phantom(tmp_path / "slide.tiff", width=1000, height=800)

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "bachview", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    said = run("--version")
    assert said.startswith(f"bachview {__version__} (")
    assert said.endswith("built 2026-11-28)\n")
    assert "source tree" not in said
    run("classify", "slide.tiff", "--output", "out", "--anyway")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["pending"]["patches"] == 0
