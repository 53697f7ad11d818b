"""The command line, called as `main` calls it, and small slides for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest

from bachview.cli.main import run
from bachview.config import resource_folder


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        return cast("dict[str, Any]", json.loads(self.out))


Cli = Callable[..., Answer]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run one command in this process, with real file descriptors behind its streams."""

    def call(*arguments: str | Path) -> Answer:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    return call


def check_schema(name: str, document: object) -> None:
    """Fail unless `document` is what ``resources/schemas`` promises."""
    path = resource_folder() / "schemas" / f"{name}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
