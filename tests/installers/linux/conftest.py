import shutil
from collections.abc import Callable
from pathlib import Path

import PySide6
import pytest

from tools.installers.linux.system_libraries import file_names

Needs = Callable[[str], None]


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")


@pytest.fixture
def needs() -> Needs:
    """Skips the test where a program is not installed."""

    def check(program: str) -> None:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")

    return check


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    """A few files laid out like the frozen program, one real library among them."""
    folder = tmp_path / "frozen" / "bachview"
    inside = folder / "_internal"
    (inside / "resources").mkdir(parents=True)
    program = folder / "bachview"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    (inside / "resources" / "demo.txt").write_text("text")
    qt = Path(PySide6.__path__[0]) / "Qt"
    shutil.copyfile(qt / "plugins" / "platforms" / "libqoffscreen.so", inside / "libqoffscreen.so")
    for library in sorted((qt / "lib").glob("*.so.*")):
        # What the plug-in is linked with need only be there by name.
        (inside / library.name).write_text("a stand-in")
    (inside / "libxcb-cursor.so.0").write_text("not real: left to the system, or taken along")
    (inside / "libstdc++.so.6").write_text("not real: left to the system")
    (inside / "libstdc++.so").symlink_to("libstdc++.so.6")
    assert "libqoffscreen.so" in file_names(folder)
    return folder
