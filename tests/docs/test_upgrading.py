"""The formats that the page on upgrading lists are those of the program."""

import re
from pathlib import Path

from bachview.models.bundle.manifest import SCHEMA_VERSION as BUNDLE_FORMAT
from bachview.store.schema import SCHEMA_VERSION as STORE_FORMAT
from bachview.ui.session.settings import FILE_NAME
from bachview.ui.session.settings_format import SETTINGS_FORMAT

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/upgrading.md").read_text("utf-8")


def test_the_table_of_formats_is_that_of_the_program() -> None:
    rows = re.findall(r"^\| (\w+) \(`[*]?(.+?)`\) \| (\d+) \|.*\| (.+) \|$", TEXT, re.MULTILINE)
    assert [(kind, suffix, int(number)) for kind, suffix, number, _ in rows] == [
        ("results", ".sqlite", STORE_FORMAT),
        ("model", ".bachmodel", BUNDLE_FORMAT),
        ("settings", FILE_NAME, SETTINGS_FORMAT),
    ]
    for _, _, number, earlier in rows:
        last = int(number) - 1
        assert earlier.startswith((f"1 to {last}: ", f"{last}: ", f"{last}, "))
    backups = re.findall(r"\.v(\d+)-backup\.(\w+)", TEXT.split("## Going back")[0])
    assert backups == [(str(STORE_FORMAT - 1), "sqlite"), (str(SETTINGS_FORMAT - 1), "ini")]


def test_there_is_a_place_for_the_notes_of_the_next_version() -> None:
    assert TEXT.count("\n### Unreleased\n") == 1
    assert (ROOT / "CHANGELOG.md").read_text("utf-8").count("\n## Unreleased\n") == 1
