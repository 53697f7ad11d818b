"""Entry point of ``bachview`` and ``python -m bachview``."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from bachview.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
