"""The licences of all that is shipped, in one file: ``python -m tools.installers licences``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bachview.files import write_text
from bachview.licences.document import FILE_NAME, licences_text
from tools.installers.inventory import Inventory, take_inventory


def inventory_arguments(name: str, text: str, output: str) -> argparse.ArgumentParser:
    """The arguments that `licences` and `sbom` share."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.installers {name}", description=text)
    parser.add_argument(
        "--environment",
        type=Path,
        metavar="DIR",
        help="the virtual environment that is shipped or frozen; by default this one",
    )
    parser.add_argument("--frozen", type=Path, metavar="DIR", help="the frozen program")
    parser.add_argument("--output", type=Path, default=Path(output), metavar="FILE")
    return parser


def write_licences(path: Path, inventory: Inventory) -> None:
    """Write the file."""
    write_text(path, licences_text(inventory.components))


def main(arguments: Sequence[str]) -> int:
    """Write the file and say what it is of."""
    chosen = inventory_arguments("licences", __doc__, FILE_NAME).parse_args(arguments)
    inventory = take_inventory(chosen.environment, chosen.frozen)
    write_licences(chosen.output, inventory)
    parts = len(inventory.components)
    print(f"{chosen.output}: {parts} parts, {len(inventory.native)} libraries of machine code.")
    return 0
