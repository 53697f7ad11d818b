"""The table of wheels, from what uv answers."""

import platform
import sys

import pytest

from tools.installers.errors import InstallerError
from tools.installers.freeze import lock_file
from tools.installers.wheels import pins, table, wheels_for

PINNED = """\
colorama==0.4.6 ; sys_platform == 'win32'
numpy==2.4.6 ; python_full_version < '3.12'
numpy==2.5.5 ; python_full_version >= '3.12'
openvino==2026.4.1
tensorflow==2.21.0
"""


class _Uv:
    """Answers as uv does where some packages have no wheel, one in each answer."""

    def __init__(self, *without: str) -> None:
        self.without = without

    def __call__(self, *words: str, text: str = "") -> str:
        for pin in self.without:
            if pin in text:
                raise InstallerError(
                    f"error: cause: Because {pin} has no wheels with a matching platform tag"
                )
        return "\n".join(
            line.partition(" ;")[0]
            for line in text.splitlines()
            if "win32" not in line and "<" not in line
        )


def test_each_missing_wheel_is_found_and_what_is_not_needed_is_told_apart() -> None:
    found = {
        "one": wheels_for("a", PINNED, "3.12", _Uv()),
        "two": wheels_for("b", PINNED, "3.12", _Uv("openvino==2026.4.1", "tensorflow==2.21.0")),
    }
    assert table(PINNED, found).splitlines() == [
        "| package | one | two |",
        "|---|---|---|",
        "| colorama 0.4.6 | not needed | not needed |",
        "| numpy 2.4.6 | not needed | not needed |",
        "| numpy 2.5.5 | yes | yes |",
        "| openvino 2026.4.1 | yes | **none** |",
        "| tensorflow 2.21.0 | yes | **none** |",
    ]


def test_another_failure_is_not_taken_for_a_missing_wheel() -> None:
    def offline(*words: str, text: str = "") -> str:
        raise InstallerError("error: the index cannot be reached")

    with pytest.raises(InstallerError, match="cannot be reached"):
        wheels_for("a", PINNED, "3.12", offline)


def test_the_pins_are_those_of_the_lock() -> None:
    asked: list[tuple[str, ...]] = []

    def uv(*words: str) -> str:
        asked.append(words)
        return ""

    pins("tensorflow", run=uv)
    assert {"--constraints", "requirements.lock", "tensorflow", "--universal"} <= set(asked[0])


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("darwin", "x86_64", "requirements-macos-x86_64.lock"),
        ("darwin", "arm64", "requirements.lock"),
        ("win32", "AMD64", "requirements.lock"),
        ("linux", "x86_64", "requirements.lock"),
    ],
)
def test_macs_with_intel_processors_have_a_lock_of_their_own(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, expected: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    lock = lock_file()
    assert lock.name == expected
    assert "openvino==" in lock.read_text("utf-8")
