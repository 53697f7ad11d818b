"""Puts `bachview/build_info.json` into wheels and source archives; hatchling loads it by its path.

Nothing is written into the source tree, which would then state an old commit.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildInfoHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the file, but for an editable installation: that is the source tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a build."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from bachview.build_info import FILE_NAME
            from tools.installers.build_info import of_source
        finally:
            sys.path.remove(self.root)
        self._folder = tempfile.TemporaryDirectory(prefix="bachview-build-")
        file = Path(self._folder.name) / FILE_NAME
        file.write_text(of_source(Path(self.root)).to_json(), encoding="utf-8", newline="\n")
        build_data["force_include"][str(file)] = f"bachview/{FILE_NAME}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called by hatchling after a build."""
        if version != "editable":
            self._folder.cleanup()
