"""What a report says of saved results: how many there are, and how large."""

from pathlib import Path

from bachview.errors import StoreError
from bachview.store.listing import results_files


def results_facts(folder: Path) -> dict[str, object]:
    """Counts and sizes of the results files of `folder`, without names and times."""
    try:
        files = results_files(folder)
    except StoreError:
        return {"results": "the folder cannot be read"}
    facts: dict[str, object] = {
        "results files": len(files),
        "together": _mb(sum(file.size for file in files)),
        "that cannot be used as they are": sum(bool(file.problem) for file in files),
    }
    for number, file in enumerate(sorted(files, key=lambda file: -file.size), 1):
        done, total = (
            sum(getattr(grid.record, name) for grid in file.grids) for name in ("done", "total")
        )
        marks = sum(file.marks.values())
        state = "not usable as it is" if file.problem else f"{done} of {total} cells"
        facts[f"file {number}"] = (
            f"{_mb(file.size)}, grids: {len(file.grids)}, {state}, marks: {marks}"
        )
    return facts


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
