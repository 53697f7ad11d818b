"""Figures are judged by the table of budgets, and told with the machine they come from."""

import getpass
import json
import platform
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bachview.bench import suite
from bachview.bench.budgets import BUDGETS, budget_for
from bachview.bench.result import Result, Say, graded
from bachview.errors import UsageError
from bachview.machine import machine
from tests.support.cli import Cli, check_schema


@pytest.mark.parametrize(
    ("benchmark_name", "case", "value", "ok"),
    [
        ("start", "window on the screen, offscreen", 0.9, True),
        ("start", "window on the screen, offscreen", 1.1, False),
        ("pan", "1920x1080, classifying, p99", 8.3, True),
        ("pan", "3840x2160, classifying, p99", 17.0, False),
        ("pan", "1920x1080, classifying, p50", 100.0, None),
        ("pan", "1920x1080, classifying, blank frames", 1.0, False),
        ("chain", "bf16 against keras.predict", 7.9, False),
        ("chain", "f32 against keras.predict", 2.0, True),
        ("chain", "bf16 against the bare graph", 86.0, True),
        ("engines", "openvino CPU f32 against the reference, greatest difference", 1e-4, True),
        ("engines", "openvino CPU bf16 against the reference, same class", 99.0, False),
        ("engines", "openvino CPU bf16 against the reference, greatest difference", 0.1, None),
        ("nothing", "of the kind", 1.0, None),
    ],
)
def test_a_figure_is_held_against_its_budget(
    benchmark_name: str, case: str, value: float, ok: bool | None
) -> None:
    result = graded(benchmark_name, case, value, "unit")
    assert result.ok is ok
    assert (result.budget is None) is (ok is None)


def test_every_budget_belongs_to_a_benchmark() -> None:
    assert {budget.benchmark for budget in BUDGETS} <= set(suite.NAMES)


def test_the_budgets_are_those_of_the_design() -> None:
    limits = {(b.benchmark, b.pattern): b.limit for b in BUDGETS}
    assert limits["start", "window on the screen*"] == 1.0
    assert limits["overlay", "*composed, p99"] == 8.0
    assert limits["latency", "answer to cancel*"] == 0.5
    assert budget_for("memory", "100000x100000, highest resident memory") is not None


def test_the_machine_names_no_host_and_no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "workstation-17")
    monkeypatch.setattr(socket, "gethostname", lambda: "workstation-17")
    monkeypatch.setenv("USER", "asmith42")
    monkeypatch.setattr(getpass, "getuser", lambda: "asmith42")
    facts = machine()
    text = json.dumps(facts)
    assert facts["cores"] >= 1
    assert facts["memory_gb"] > 0
    assert "numpy" in facts["versions"]
    assert "workstation-17" not in text
    assert "asmith42" not in text


def test_an_unknown_benchmark_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nonsense"):
        next(suite.run(["overlay", "nonsense"], lambda text: None, tmp_path))


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of every benchmark one that measures nothing and talks on standard output."""
    import os

    def measure(say: Say, folder: Path) -> Iterator[Result]:
        os.write(1, b"noise of a library\n")
        yield graded("start", "window on the screen, offscreen", 0.5, "s")
        yield graded("open", "sharp picture", 3.0, "s")
        yield graded("pan", "1920x1080, p50", 3.0, "ms")

    monkeypatch.setattr(
        suite,
        "importlib",
        SimpleNamespace(import_module=lambda name: SimpleNamespace(measure=measure)),
    )


@pytest.mark.usefixtures("made_up")
def test_the_document_follows_its_schema_and_stands_alone(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    answer = cli("bench", "start", "--json", "--output", file)
    assert answer.code == 0
    check_schema("bench", answer.document)
    assert [r["ok"] for r in answer.document["results"]] == [True, False, None]
    assert json.loads(file.read_text("utf-8")) == answer.document


@pytest.mark.usefixtures("made_up")
def test_the_table_shows_what_was_missed(cli: Cli) -> None:
    answer = cli("bench", "start")
    assert answer.code == 0
    assert "MISSED" in answer.out
    assert "at most 0.3" not in answer.out
    assert "at most 1" in answer.out


def test_an_unknown_name_is_wrong_use(cli: Cli) -> None:
    answer = cli("bench", "nonsense")
    assert answer.code == 2
    assert "chain" in answer.err
