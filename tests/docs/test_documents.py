"""What the documents say is there: files, links, commands, options, layers, budgets."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from bachview.bench.suite import NAMES
from bachview.cli.app import app
from bachview.models.bundle.opened import open_bundle

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
RECORDS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
#: Paths in backticks; one with a wildcard or a placeholder is not checked.
_PATH = re.compile(r"`((?:bachview|resources|tests|tools|docs|packaging)/[\w./-]*)`")


def _text(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def _anchors(document: Path) -> set[str]:
    """As GitHub and mkdocs make them of headings in plain words."""
    titles = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for link in _LINK.findall(document.read_text("utf-8")):
        if link.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.is_file(), link
        if anchor:
            assert anchor in _anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_named_in_a_document_exists(document: Path) -> None:
    for path in _PATH.findall(document.read_text("utf-8")):
        assert (ROOT / path).exists(), path


def test_the_walks_name_files() -> None:
    walks = re.split(r"^## The walk of a ", _text("development.md"), flags=re.M)[1:]
    assert [walk.split("\n", 1)[0] for walk in walks] == ["tile", "patch", "photo"]
    for walk in walks:
        files = [path for path in _PATH.findall(walk) if (ROOT / path).is_file()]
        assert len(files) >= 5
        assert all(re.search(_PATH, step) for step in re.split(r"^\d+\. ", walk, flags=re.M)[1:])


def test_the_layers_are_those_that_import_linter_enforces() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = [c for c in project["tool"]["importlinter"]["contracts"] if "layers" in c]
    assert [c["containers"] for c in contracts] == [["bachview"], ["bachview.ui"]]
    blocks = _text("development.md").split("```")[1::2]
    for contract, drawn in zip(contracts, blocks[:2], strict=True):
        assert [line for line in drawn.split("\n") if line] == contract["layers"][::-1]


def _commands(command: object, name: str) -> Iterator[tuple[str, set[str]]]:
    """Each command that does something, with its options; ``--help`` aside."""
    parts: dict[str, object] = getattr(command, "commands", {})
    if not parts or getattr(command, "invoke_without_command", False):
        options = {
            option
            for parameter in command.params  # type: ignore[attr-defined]
            for option in (*parameter.opts, *parameter.secondary_opts)
            if parameter.param_type_name == "option"
        }
        yield name, options - {"--help", "-h"}
    for part, inner in parts.items():
        yield from _commands(inner, f"{name} {part}")


COMMANDS = dict(_commands(typer.main.get_command(app), "bachview"))


def _described() -> dict[str, set[str]]:
    """The commands of cli.md with the options in their tables."""
    sections = re.split(r"^### ", _text("cli.md").split("## Exit codes")[0], flags=re.M)[1:]
    return {
        section.split("\n", 1)[0]: {
            option
            for row in re.findall(r"^\| (`-.*?) \|", section, re.M)
            for option in re.findall(r"`(--?[a-z-]+)`", row)
        }
        for section in sections
    }


def test_the_command_line_has_a_section_for_every_command() -> None:
    assert set(_described()) == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_command_line_describes_every_option_and_no_other(command: str) -> None:
    assert _described()[command] == COMMANDS[command]


def test_every_budget_names_its_benchmark() -> None:
    table = _text("performance.md").split("| What | Budget | Benchmark |")[1].split("\n\n")[0]
    assert set(re.findall(r"\| `([a-z]+)` \|$", table, re.M)) == set(NAMES)


def test_decisions_have_numbers_of_their_own_and_stand_in_the_index() -> None:
    numbers = [path.name[:4] for path in RECORDS]
    assert len(set(numbers)) == len(numbers) > 30
    listed = re.findall(r"^- \[(\d+)\. .*\]\((.*)\)$", _text("decisions/README.md"), re.M)
    assert sorted(name for _, name in listed) == [path.name for path in RECORDS]
    assert all(int(number) == int(name[:4]) for number, name in listed)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_says_context_decision_and_consequences(record: Path) -> None:
    text = record.read_text("utf-8")
    places = [text.find(word) for word in ("Context", "Decision", "Consequences")]
    assert -1 < places[0] < places[1] < places[2]


def test_the_site_lists_every_document() -> None:
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    for document in DOCS.rglob("*.md"):
        if document not in RECORDS:
            assert document.relative_to(DOCS).as_posix() in site


@pytest.mark.parametrize("name", ["README.md", "docs/user-guide.md"])
def test_the_accuracy_is_what_the_default_bundle_states(name: str) -> None:
    with open_bundle(ROOT / "resources/models/default.bachmodel") as bundle:
        metrics = bundle.manifest.training.metrics
    accuracy, low, high = (
        f"{100 * metrics[f'cv_photo_accuracy{end}']:.0f}" for end in ("", "_low", "_high")
    )
    text = " ".join((ROOT / name).read_text("utf-8").split())
    assert f"right on {accuracy} %" in text
    assert f"95 % interval {low} to {high} %" in text
