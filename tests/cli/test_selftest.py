"""``bachview selftest``: what it prints and how it ends; the checks have tests of their own."""

from pathlib import Path

import pytest

from bachview.models.verification import Check
from bachview.selftest import checks
from bachview.version import __version__
from tests.support.cli import Cli, check_schema


@pytest.fixture(params=[True, False])
def is_good(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the second of two checks passes."""
    passes = bool(request.param)

    def run_selftest(folder: Path, render: object, **options: object) -> tuple[Check, ...]:
        assert folder.is_dir()
        return (
            Check("class names", True, "In order."),
            Check("overlay alignment", passes, "Within a pixel." if passes else "12 px off."),
        )

    monkeypatch.setattr(checks, "run_selftest", run_selftest)
    return passes


def test_the_document_says_each_check(cli: Cli, is_good: bool) -> None:
    answer = cli("selftest", "--json")
    assert answer.code == (0 if is_good else 1)
    check_schema("selftest", answer.document)
    assert answer.document["ok"] is is_good
    assert answer.document["program"].startswith(f"bachview {__version__} (")
    assert [check["ok"] for check in answer.document["checks"]] == [True, is_good]


def test_a_failure_is_loud(cli: Cli, is_good: bool) -> None:
    answer = cli("selftest")
    assert answer.code == (0 if is_good else 1)
    assert ("THE SELF-TEST FAILED: overlay alignment" in answer.err) is not is_good
    assert "class names" in answer.out
    assert f"bachview {__version__} (" in answer.out
