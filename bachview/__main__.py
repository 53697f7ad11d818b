"""Entry point of ``bachview`` and ``python -m bachview``."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from bachview.cli.interrupts import leave
    from bachview.cli.main import run

    leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
