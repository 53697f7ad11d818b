"""``bachview bundle``: what verify checks, and what it says of damage."""

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from bachview.models.bundle.installed import resolve_bundle
from tests.support.cli import Cli, check_schema
from tests.support.slides import gradient, write_pyramid


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the self-test bundle that a test may damage."""
    path = tmp_path / "Kopie ü.bachmodel"
    shutil.copy(resolve_bundle("selftest"), path)
    return path


def test_a_good_bundle_passes_every_check(cli: Cli) -> None:
    answer = cli("bundle", "verify", "selftest", "--json")
    assert answer.code == 0
    check_schema("bundle-verify", answer.document)
    assert answer.document["ok"] is True
    names = [check["name"] for check in answer.document["checks"]]
    assert {"files", "golden patches", "networks"} <= set(names)
    assert len(names) == len(set(names))


def test_the_table_lists_the_checks(cli: Cli, copy: Path) -> None:
    answer = cli("bundle", "verify", copy)
    assert answer.code == 0
    assert "golden patches" in answer.out
    assert "FAILED" not in answer.out


def test_a_damaged_bundle_fails_and_says_where(cli: Cli, copy: Path) -> None:
    damaged = copy.with_name("damaged.bachmodel")
    with zipfile.ZipFile(copy) as source, zipfile.ZipFile(damaged, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "MODEL_CARD.md":
                content += b" "
            target.writestr(entry, content)
    answer = cli("bundle", "verify", damaged, "--json")
    assert answer.code == 3
    check_schema("bundle-verify", answer.document)
    assert answer.document["ok"] is False
    assert "MODEL_CARD.md" in answer.document["checks"][-1]["message"]


def test_a_bundle_that_crashes_what_loads_it_fails_and_says_so(
    cli: Cli, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"]
    monkeypatch.setattr("bachview.models.first_load.command", lambda *_: child)
    answer = cli("bundle", "verify", copy, "--json")
    assert answer.code == 3
    check_schema("bundle-verify", answer.document)
    assert "SIGSEGV" in answer.document["checks"][-1]["message"]
    slide = write_pyramid(tmp_path / "slide.tiff", gradient(256, 256), mpp=0.5)
    answer = cli("classify", slide, "--bundle", copy, "--output", tmp_path / "out")
    assert answer.code == 3
    assert "ended the process that tried it" in answer.err


def test_what_is_no_bundle_fails(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "text.bachmodel"
    path.write_text("not a zip")
    answer = cli("bundle", "verify", path, "--json")
    assert answer.code == 3
    assert answer.document["ok"] is False


def test_a_bundle_that_is_not_there_is_bad_input(cli: Cli) -> None:
    answer = cli("bundle", "verify", "nonsense", "--json")
    assert answer.code == 3
    assert "nonsense" in answer.err
    assert answer.out == ""


def test_the_installed_bundles_are_listed(cli: Cli) -> None:
    answer = cli("bundle", "list", "--json")
    assert answer.code == 0
    check_schema("bundle-list", answer.document)
    names = [bundle["name"] for bundle in answer.document["bundles"]]
    assert "selftest" in names
    assert "selftest" in cli("bundle", "list").out
