"""The child process of `first_load`: takes the steps of loading and reports each of them."""

import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from bachview.errors import BundleError
from bachview.models.first_load import REFUSED, REPORTED
from bachview.models.loading import Loading


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


def main(arguments: Sequence[str]) -> NoReturn:
    """Be the child: take the steps, and say of each on standard output how it went."""
    path, sha256, engine, device, precision = arguments
    # What libraries print belongs to standard error.
    told = os.fdopen(os.dup(1), "w", encoding="ascii", buffering=1)
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(*what: Any) -> None:
        told.write(json.dumps(what) + "\n")

    try:
        with Loading(
            Path(path), engine=engine, device=device, precision=precision, is_trusted=True
        ) as loading:
            for name, step in loading.steps():
                tell("begun", name)
                found = step()
                if loading.sha256 != sha256:
                    raise BundleError(
                        f"The bundle {Path(path).name} was changed while it was being loaded: "
                        "try again."
                    )
                tell("done", found)
    except tuple(REPORTED.values()) as error:
        tell("refused", type(error).__name__, str(error))
        sys.exit(REFUSED)
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
