"""How well the tissue mask finds drawn tissue: `python -m tools.tissue_scenes [PART OF A NAME]`.

Prints a table of all scenes (`tests/support/tissue_scenes.py`), the worst first, and fails if one
is below the least overlap.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.support.tissue_scenes import SCENES, Measured, measured

#: Intersection over union of mask and truth.
LEAST_OVERLAP = 0.9


def _measured(name: str) -> Measured:
    return measured(SCENES[name])


def main() -> int:
    """Print the table; 1 if a scene is below the least overlap."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", default="", help="only scenes whose name contains this")
    part = parser.parse_args().part
    names = [name for name in SCENES if part in name]
    with ProcessPoolExecutor() as pool:
        found: dict[str, Measured] = dict(zip(names, pool.map(_measured, names), strict=True))
    for name in sorted(names, key=lambda name: found[name].overlap):
        one = found[name]
        print(f"{one.overlap:6.3f}  {one.area:8.3f} of {one.true_area:8.3f} mm²  {name}")
    missed = sum(one.overlap < LEAST_OVERLAP for one in found.values())
    print(f"{len(names) - missed} of {len(names)} scenes at {LEAST_OVERLAP} or more")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
