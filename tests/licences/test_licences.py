"""What a distribution states of its licence, and the text that is made of it."""

from importlib import metadata
from pathlib import Path

import pytest

from bachview.config import resource_folder
from bachview.licences.distributions import Component, component, licence_name, needed
from bachview.licences.document import components_here, licences_text


def _made(folder: Path, name: str, headers: str, files: dict[str, str]) -> metadata.Distribution:
    place = folder / f"{name}-1.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Name: {name}\nVersion: 1\n{headers}\n", "utf-8")
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    (place / "RECORD").write_text("".join(f"{path},,\n" for path in files), "utf-8")
    (found,) = (d for d in metadata.distributions(path=[str(folder)]) if d.name == name)
    return found


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("License-Expression: MIT OR 0BSD\nLicense: other", "MIT OR 0BSD"),
        ("License: BSD-3-Clause", "BSD-3-Clause"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License", "MIT License"),
        ("License: Copyright by someone.\n         And more.\n", ""),
        ("Classifier: License :: OSI Approved", ""),
    ],
)
def test_the_name_is_the_best_that_is_stated(tmp_path: Path, headers: str, expected: str) -> None:
    assert licence_name(_made(tmp_path, "a", headers, {})) == expected


def test_texts_are_found_wherever_they_lie_and_code_is_not(tmp_path: Path) -> None:
    files = {
        "a-1.dist-info/licenses/COPYING": "terms",
        "a/licenses/inner": "inner terms",
        "a/vendor/LICENSE-zlib": "zlib terms",
        "a/NOTICE.txt": "notice",
        "a/license.py": "code",
        "a/licensed.txt": "no licence",
        "a/empty/LICENSE": " ",
    }
    texts = dict(component(_made(tmp_path, "a", "", files)).texts)
    assert texts == {
        "licenses/COPYING": "terms",
        "a/licenses/inner": "inner terms",
        "a/vendor/LICENSE-zlib": "zlib terms",
        "a/NOTICE.txt": "notice",
    }


def test_needs_are_followed_without_extras_and_circles(tmp_path: Path) -> None:
    _made(tmp_path, "a", "Requires-Dist: B_c>=1\nRequires-Dist: d; extra == 'x'", {})
    _made(tmp_path, "b-c", "Requires-Dist: a\nRequires-Dist: missing", {})
    _made(tmp_path, "d", "", {})
    assert list(needed(["a"], [str(tmp_path)])) == ["a", "b-c"]
    assert list(needed(["a"], [str(tmp_path)], without=frozenset({"b-c"}))) == ["a"]


def test_each_text_stands_once_and_names_all_that_it_is_of() -> None:
    parts = [
        Component("one", "1", "MIT", (("LICENSE", "The terms."), ("NOTICE", "A notice."))),
        Component("two", "2", "", (("COPYING", "The  terms.\n"),)),
    ]
    text = licences_text(parts)
    assert "one 1\n    MIT  [1-2]\n" in text
    assert "two 2\n    see the texts  [1]\n" in text
    assert text.count("The terms.") == 1
    assert "[1]\none: LICENSE\ntwo: COPYING\n" in text


def test_every_part_here_has_a_text_and_a_licence() -> None:
    parts = components_here()
    assert [part.name for part in parts if not part.texts] == []
    bundles = {path.name for path in (resource_folder() / "models").glob("*.bachmodel")}
    assert {name for name in bundles if any(name in part.name for part in parts)} == bundles
    assert len(parts) > 30
