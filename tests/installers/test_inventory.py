"""Licences and bill of materials: of all that is shipped, or an error that names what lacks."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

from bachview.licences.distributions import normal
from tools.installers.__main__ import main
from tools.installers.contents import is_wanted
from tools.installers.errors import InstallerError
from tools.installers.inventory import take_inventory
from tools.installers.places import ROOT


def _distribution(folder: Path, name: str, *, licence: str = "", needs: str = "") -> None:
    """A distribution of a few files in an environment."""
    place = folder / f"{name}-1.0.dist-info"
    place.mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", "License-Expression: MIT"]
    lines += [f"Requires-Dist: {needs}"] if needs else []
    (place / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")
    files = [f"{place.name}/METADATA", f"{name}.libs/lib{name}-0123abcd.so.1.2"]
    if licence:
        (place / "licenses").mkdir()
        (place / "licenses" / "LICENSE").write_text(licence, "utf-8")
        files.append(f"{place.name}/licenses/LICENSE")
    (place / "RECORD").write_text("".join(f"{file},,\n" for file in files), "utf-8")


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    folder = tmp_path / "environment"
    packages = folder / "lib" / "python3.11" / "site-packages"
    _distribution(packages, "one", licence="The terms of one.", needs="two")
    _distribution(packages, "two", licence="The terms of two.")
    return folder


@pytest.fixture
def frozen(tmp_path: Path, environment: Path) -> Path:
    """A frozen program that holds both."""
    folder = tmp_path / "frozen"
    for info in environment.rglob("*.dist-info"):
        shutil.copytree(info, folder / "_internal" / info.name)
    for name in ("libone-0123abcd.so.1.2", "libtwo-0123abcd.so.1.2", "libpython3.11.so.1.0"):
        (folder / "_internal" / name).write_bytes(name.encode())
    return folder


def test_licences_of_a_frozen_program_have_every_text_once(
    environment: Path, frozen: Path, tmp_path: Path
) -> None:
    output = tmp_path / "LICENCES.txt"
    arguments = ["--environment", environment, "--frozen", frozen, "--output", output]
    assert main(["licences", *map(str, arguments)]) == 0
    text = output.read_text("utf-8")
    for words in (
        *("The terms of one.", "The terms of two.", "PYTHON SOFTWARE FOUNDATION LICENSE"),
        *("Permission is hereby granted", "DejaVu Sans", "CC BY-NC-ND 4.0", "Apache License"),
        *("libopenslide.so.1", "https://download.qt.io"),
    ):
        assert words in text
    assert text.count("The terms of one.") == 1
    assert "bzip2" not in text  # this program has none


def test_a_library_of_nobody_is_an_error(environment: Path, frozen: Path) -> None:
    (frozen / "_internal" / "libstrange.so.3").touch()
    with pytest.raises(InstallerError, match=r"Nobody owns .*libstrange\.so\.3"):
        take_inventory(environment, frozen)


def test_a_module_of_qt_under_the_gpl_is_an_error(environment: Path, frozen: Path) -> None:
    (frozen / "_internal" / "libQt6Charts.so.6").touch()
    with pytest.raises(InstallerError, match=r"libQt6Charts\.so\.6 is under the GNU General"):
        take_inventory(environment, frozen)


def test_a_distribution_without_a_text_is_named(environment: Path, frozen: Path) -> None:
    for place in (next(environment.rglob("two-1.0.dist-info")), frozen / "_internal"):
        shutil.rmtree(place / "licenses", ignore_errors=True)
    with pytest.raises(InstallerError, match=r"without the text of a licence: two\. Add it"):
        take_inventory(environment, frozen)


def test_a_distribution_of_another_environment_is_named(environment: Path, frozen: Path) -> None:
    _distribution(frozen / "_internal", "three", licence="x")
    with pytest.raises(InstallerError, match="holds three, which the environment lacks"):
        take_inventory(environment, frozen)


def test_folders_that_are_something_else_are_sentences(tmp_path: Path, environment: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(InstallerError, match="no environment of Python"):
        take_inventory(tmp_path / "none")
    with pytest.raises(InstallerError, match="no frozen program"):
        take_inventory(environment, tmp_path / "none")
    with pytest.raises(InstallerError, match="Not installed in the environment: contourpy"):
        take_inventory(environment)


def test_this_environment_has_the_text_of_every_licence() -> None:
    """What the program needs and what that needs, as installed here; and no developers' tools."""
    inventory = take_inventory()
    names = {normal(one.name) for one, _ in inventory.distributions}
    assert {"pyside6-essentials", "openslide-bin", "openvino", "imagecodecs", "mdurl"} <= names
    assert not names & {"pyvips", "pytest", "tensorflow", "openvino-telemetry", "bachview"}
    assert all(text.strip() for one in inventory.components for _, text in one.texts)
    assert all(one.texts for one in inventory.components)


needs_cyclonedx = pytest.mark.skipif(
    importlib.util.find_spec("cyclonedx") is None,
    reason="cyclonedx-python-lib is not installed; it comes with the extra installers",
)


@needs_cyclonedx
def test_the_bill_of_materials_is_valid_and_the_same_each_time(
    environment: Path, frozen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    texts = []
    for name in "12":
        output = tmp_path / f"{name}.json"
        arguments = ["--environment", environment, "--frozen", frozen, "--output", output]
        assert main(["sbom", *map(str, arguments)]) == 0
        texts.append(output.read_text("utf-8"))
    assert texts[0] == texts[1]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(texts[0]) is None
    document = json.loads(texts[0])
    by_name = {entry["name"]: entry for entry in document["components"]}
    one = by_name["one"]
    assert one["purl"] == "pkg:pypi/one@1.0"
    assert one["licenses"] == [{"license": {"id": "MIT"}}]
    (library,) = one["components"]
    assert library["version"] == "1.2"
    assert library["hashes"][0]["alg"] == "SHA-256"
    models = [e for e in document["components"] if e["type"] == "machine-learning-model"]
    assert len(models) == len(list((ROOT / "resources" / "models").glob("*.bachmodel")))
    assert all(model["hashes"] for model in models)
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert needs["python/one"] == ["python/two"]


def test_without_its_library_the_bill_is_refused(
    environment: Path,
    frozen: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx.model.bom", None)
    arguments = ["--environment", environment, "--frozen", frozen]
    assert main(["sbom", *map(str, arguments)]) == 3
    assert "cyclonedx-python-lib is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "expected"), [("METADATA", True), ("RECORD", False), ("INSTALLER", False)]
)
def test_the_frozen_program_does_not_say_how_its_packages_were_installed(
    name: str, expected: bool
) -> None:
    """Otherwise no two environments would give the same program."""
    assert is_wanted(f"one-1.0.dist-info/{name}", "/env/one", ()) is expected
