"""Thousands of made TIFF files, shown by the program and compared with libvips and Pillow.

`python -m tools.tiff_product --count 4000`: prints what was equal, refused (with each sentence) and
different, and fails if anything was different.
"""

import argparse
import collections
import sys
import tempfile
from pathlib import Path

from tests.support.tiff_product import made, verdict


def main() -> int:
    """Run the numbers from `--seed` on; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0, help="the first number")
    options = parser.parse_args()
    found: collections.Counter[tuple[str, str]] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        for number in range(options.seed, options.seed + options.count):
            file = made(number)
            kind, why = verdict(file, path, number)
            found[kind, why] += 1
            if kind == "different":
                print(f"{number}: {why}: {file.what}")
    for kind in ("equal", "refused", "different"):
        print(f"{kind}: {sum(count for (of, _), count in found.items() if of == kind)}")
        for (of, why), count in found.most_common():
            if of == kind:
                print(f"{count:8} {why}")
    return int(any(kind == "different" for kind, _ in found))


if __name__ == "__main__":
    sys.exit(main())
