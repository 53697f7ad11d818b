"""The tables of the deployment page are those of the program."""

import re
from dataclasses import fields
from pathlib import Path

from bachview.policy.document import PolicyFile, read_policy
from bachview.policy.values import LOCKABLE, Policy

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "deployment.md").read_text("utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of a table after the first, by the first."""
    table = TEXT.split(f"| {heading} |")[1].split("\n\n")[0]
    lines = [line.strip("| ").split(" | ") for line in table.split("\n")[2:]]
    return {cells[0].strip("`"): cells[1:] for cells in lines}


def test_the_policy_table_has_every_key_with_its_meaning() -> None:
    table = rows("Key | Value | Meaning")
    described = {key: cells[-1] for key, cells in table.items()}
    assert described == {name: f.description for name, f in PolicyFile.model_fields.items()}


def test_the_page_names_the_keys_that_can_be_locked() -> None:
    (named,) = re.findall(r"^`locked` may name (.*);", TEXT, re.M)
    assert re.findall(r"`(\w+)`", named) == list(LOCKABLE)


def test_every_value_of_a_policy_comes_from_a_key() -> None:
    assert {f.name for f in fields(Policy)} - {"source"} == set(PolicyFile.model_fields)


def test_the_example_is_a_valid_policy(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.S)
    path = tmp_path / "policy.toml"
    path.write_text(example, "utf-8")
    assert read_policy(path).locked == {"data_folder", "bundle", "names_in_exports"}


def test_every_action_of_the_audit_log_is_described() -> None:
    written = {
        action
        for path in (ROOT / "bachview").rglob("*.py")
        for action in re.findall(r'audit\.record\(\s*"(\w+)"', path.read_text("utf-8"))
    }
    assert set(rows("`action` | When it is written | Also in the line")) == written
