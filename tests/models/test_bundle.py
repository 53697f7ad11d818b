"""Opening a bundle that may be damaged or made to do harm: one sentence, nothing run."""

import os
import stat
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bachview.errors import BundleError
from bachview.models.bundle.opened import open_bundle
from tests.support.bundles import edit_manifest, packed, rehash, selftest_path, unpacked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpacked(tmp_path / "Modell Größe")


def refused(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        open_bundle(path)
    text = str(caught.value)
    assert str(path.parent) not in text
    assert "\n" not in text
    assert text.endswith(".")
    return text


def with_entry(tmp_path: Path, entry: zipfile.ZipInfo | str, content: bytes = b"x") -> Path:
    """The self-test bundle as zip with one entry more."""
    path = packed(unpacked(tmp_path / "whole"), tmp_path / "evil.bachmodel")
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names that are there twice
        archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


def test_folder_and_zip_are_the_same_bundle(folder: Path, tmp_path: Path) -> None:
    zipped = packed(folder, tmp_path / "a.bachmodel")
    with open_bundle(folder) as first, open_bundle(zipped) as second:
        assert first.sha256 == second.sha256
        assert first.manifest == second.manifest
        assert first.member_names == second.member_names
        assert len(first.member_names) == 6
        assert first.classes.keys == ("Normal", "Benign", "InSitu", "Invasive")
        assert first.geometry.input_px == 64
        assert 0 < first.thresholds.confidence < 1
        assert "not trained" in first.model_card
        for name in first.manifest.files:
            assert first.read(name) == second.read(name)


def test_the_installed_bundle_is_small() -> None:
    assert selftest_path().stat().st_size < 1_000_000


def test_only_listed_files_can_be_read(folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("x")
    with open_bundle(folder) as bundle, pytest.raises(BundleError, match="does not list"):
        bundle.read("../secret.txt")


@pytest.mark.parametrize("name", ["cnn.bin", "MODEL_CARD.md", "golden.npz", "keras/rgb.npz"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"lacks {name}" in refused(folder)


def test_a_file_that_is_not_listed_is_refused(folder: Path) -> None:
    (folder / "extra.py").write_text("print('run me')")
    assert "extra.py, which its manifest does not list" in refused(folder)


def test_a_changed_file_is_noticed(folder: Path) -> None:
    content = bytearray((folder / "cnn.bin").read_bytes())
    content[3] ^= 1
    (folder / "cnn.bin").write_bytes(content)
    assert "cnn.bin" in refused(folder)


def test_a_file_that_changes_after_opening_is_noticed(folder: Path) -> None:
    with open_bundle(folder) as bundle:
        card = folder / "MODEL_CARD.md"
        card.write_bytes(card.read_bytes()[:-1] + b"!")
        with pytest.raises(BundleError, match=r"MODEL_CARD\.md"):
            bundle.read("MODEL_CARD.md")


def test_a_file_that_vanishes_after_opening_is_an_error(folder: Path) -> None:
    with open_bundle(folder) as bundle:
        (folder / "cnn.bin").unlink()
        with pytest.raises(BundleError, match="cannot be read") as caught:
            bundle.read("cnn.bin")
        assert str(folder) not in str(caught.value)


def test_a_link_in_a_bundle_is_refused(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.bin"
    target.write_bytes((folder / "cnn.bin").read_bytes())
    (folder / "cnn.bin").unlink()
    (folder / "cnn.bin").symlink_to(target)
    assert "a link" in refused(folder)


def test_a_linked_folder_inside_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "keras").rename(tmp_path / "keras")
    (folder / "keras").symlink_to(tmp_path / "keras")
    assert "a link" in refused(folder)


@pytest.mark.parametrize(
    "name",
    [
        "../outside.txt",
        "keras/../../outside.txt",
        "/etc/passwd",
        "C:/autoexec.bat",
        "..\\outside.txt",
        "\\\\server\\share",
        ".hidden",
        "keras//x.npz",
        "ü.txt",
    ],
)
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    assert "not allowed" in refused(with_entry(tmp_path, name))
    assert not (tmp_path / "outside.txt").exists()


def test_a_name_with_a_null_byte_is_not_cut_there(tmp_path: Path) -> None:
    path = with_entry(tmp_path, "cnn.bin-extra")
    path.write_bytes(path.read_bytes().replace(b"cnn.bin-extra", b"cnn.bin\0extra"))
    assert "not allowed" in refused(path)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("extra.bin")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "a link" in refused(with_entry(tmp_path, entry, b"/etc/passwd"))


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    assert "cnn.bin twice" in refused(with_entry(tmp_path, "cnn.bin"))


def test_a_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    text = refused(with_entry(tmp_path, "bomb.bin", bytes(50_000_000)))
    assert "times its size" in text


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.bachmodel"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(600):
            archive.writestr(f"{index}.txt", b"")
    assert "more than 256 files" in refused(path)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = packed(unpacked(tmp_path / "whole"), tmp_path / "a.bachmodel")
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02")
    content[place + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in refused(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_packing_that_no_bundle_has_is_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "odd.bachmodel"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", b"{}" * 1000, method)
    assert "compressed with an unsupported method" in refused(path)


def test_a_closed_bundle_says_so(tmp_path: Path) -> None:
    bundle = open_bundle(packed(unpacked(tmp_path / "whole"), tmp_path / "a.bachmodel"))
    bundle.close()
    with pytest.raises(BundleError, match="the model is closed"):
        bundle.read("cnn.bin")


def test_a_large_folder_is_not_walked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        (tmp_path / "disk" / f"d{number}").mkdir(parents=True)
        for file in range(20):
            (tmp_path / "disk" / f"d{number}" / f"{file}.txt").touch()
    seen: list[Path] = []
    scan = os.scandir

    def watched(folder: Path) -> Any:
        seen.append(folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", watched)
    assert "more than 256 files" in refused(tmp_path / "disk")
    assert len(seen) < 20


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    content = selftest_path().read_bytes()
    path = tmp_path / "cut.bachmodel"
    path.write_bytes(content[: int(len(content) * share)])
    assert "cut.bachmodel" in refused(path)


def test_any_flipped_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    content = selftest_path().read_bytes()
    with open_bundle(selftest_path()) as bundle:
        sha256 = bundle.sha256
    path = tmp_path / "flipped.bachmodel"
    noticed = 0
    for place in range(0, len(content), 997):
        changed = bytearray(content)
        changed[place] ^= 0x40
        path.write_bytes(changed)
        try:
            with open_bundle(path) as bundle:
                # A time stamp or the like: the content is still what the manifest says.
                assert bundle.sha256 == sha256
        except BundleError:
            noticed += 1
    assert noticed > 0.9 * len(range(0, len(content), 997))


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    assert "no model" in refused(tmp_path / "nothing.bachmodel")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "has no manifest.json" in refused(empty)
    text = tmp_path / "text.bachmodel"
    text.write_text("hello")
    assert "not a model" in refused(text)
    slide = tmp_path / "slide.zip"
    with zipfile.ZipFile(slide, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "has no manifest.json" in refused(slide)


def test_a_wrong_hash_in_the_manifest_is_noticed(folder: Path) -> None:
    edit_manifest(folder, lambda d: d["files"].update({"cnn.bin": "0" * 64}))
    assert "SHA-256 differs" in refused(folder)
    rehash(folder)
    open_bundle(folder).close()
