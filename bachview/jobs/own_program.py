"""Commands that start this program once more, for work that needs a process of its own.

From source, such a process is a Python that runs one of our modules. The frozen program of the
installers has no Python to start: its executable runs the module itself, if its first argument is
`RUN_MODULE`. So every child process of ours is started with `module_command`.
"""

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Final

from bachview.build_info import is_frozen

#: First argument of an executable that is to run a module; the module's name follows.
RUN_MODULE: Final = "--run-module"
#: The console program beside the one with a window, which has no standard output on Windows.
_CONSOLE_PROGRAM: Final = "bachview.exe"
_PACKAGE: Final = "bachview"


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours as the main one, as ``python -m`` does.

    The new process imports from where this one does, and not from the working folder.
    """
    if is_frozen():
        program = Path(sys.executable)
        if sys.platform == "win32":
            program = program.with_name(_CONSOLE_PROGRAM)
        return [os.fspath(program), RUN_MODULE, module, *arguments]
    start = (
        "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
        f"from {__name__} import run_module; run_module(sys.argv[1:])"
    )
    return [sys.executable, "-P", "-c", start, json.dumps(sys.path), module, *arguments]


def run_module(arguments: list[str]) -> None:
    """Run the module that comes first in `arguments` as the main one, with the others as its own.

    Raises
    ------
    SystemExit
        It is none of ours.
    """
    module = arguments[0] if arguments else ""
    if module.split(".")[0] != _PACKAGE:
        raise SystemExit(f"{RUN_MODULE} runs modules of {_PACKAGE} only.")
    sys.argv = list(arguments)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
