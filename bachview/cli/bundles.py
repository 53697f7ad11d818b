"""``bachview bundle ...``: verify, list, make."""

from pathlib import Path
from typing import Literal

from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_checks, print_json, print_table, tell


def verify(name: str, *, as_json: bool) -> int:
    """Check a bundle and print what was checked.

    Raises
    ------
    BundleError
        There is no such bundle.
    """
    from bachview.models.bundle.installed import resolve_bundle
    from bachview.models.verification import verify_bundle

    path = resolve_bundle(name)
    with clean_stdout():
        checks = verify_bundle(path)
    is_good = print_checks(path.name, checks, as_json=as_json)
    return ExitCode.DONE if is_good else ExitCode.BAD_INPUT


def list_installed(*, as_json: bool) -> int:
    """Print the bundles of the program and the taught ones; for those that cannot be read, why.

    The JSON document has one key, ``bundles``: name, title, version, classes and path of each.
    """
    from bachview.errors import BundleError
    from bachview.models.bundle.installed import (
        installed_bundles,
        own_bundles,
        resolve_bundle,
    )
    from bachview.models.bundle.opened import open_bundle

    found: list[dict[str, object]] = []
    for name in (*installed_bundles(), *own_bundles()):
        path = resolve_bundle(name)
        try:
            with open_bundle(path) as bundle:
                manifest = bundle.manifest
                found.append(
                    {
                        "name": name,
                        "title": manifest.name,
                        "version": str(manifest.version),
                        "classes": [c.name for c in bundle.classes],
                        "sha256": bundle.sha256,
                        "path": str(path),
                    }
                )
        except BundleError as error:
            tell(str(error))
    if as_json:
        print_json({"bundles": found})
        return ExitCode.DONE
    print_table(
        "Installed bundles",
        [("name", False), ("title", False), ("version", False), ("SHA-256", False)],
        [
            (str(b["name"]), str(b["title"]), str(b["version"]), f"{str(b['sha256'])[:12]}…")
            for b in found
        ],
    )
    return ExitCode.DONE


def make(kind: Literal["selftest", "untrained"], output: Path) -> int:
    """Build one of the two bundles that need no training.

    Raises
    ------
    EngineError
        TensorFlow is not installed.
    BundleError
        It cannot be written.
    """
    tell("Loading TensorFlow and building the graphs; this takes up to two minutes.")
    with clean_stdout():
        if kind == "selftest":
            from bachview.models.synthetic.selftest_bundle import build

            build(output)
        else:
            from bachview.models.synthetic.untrained import build as build_untrained

            build_untrained(output)
    tell(f"Wrote {output}.")
    return ExitCode.DONE
