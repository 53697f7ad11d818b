"""Entry point of ``bachview`` and ``python -m bachview``."""

import os
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:2] == ["--run-module"]:  # a child process of the frozen program
        from bachview.jobs.own_program import run_module

        run_module(sys.argv[2:])
        return
    try:
        from bachview.cli.interrupts import leave
        from bachview.cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Half imported, or at the very end, so nothing of ours can be asked; 4 is
        # `ExitCode.CANCELLED`.
        os.write(2, b"Cancelled.\n")
        os._exit(4)

    leave(code)


if __name__ == "__main__":
    main()
