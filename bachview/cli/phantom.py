"""``bachview phantom``: a synthetic slide whose classes are known."""

from pathlib import Path

from bachview.cli.exits import ExitCode
from bachview.cli.output import tell
from bachview.cli.progress import ProgressLine


def write(output: Path, *, width: int, height: int, mpp: float, seed: int) -> int:
    """Write the slide and its ground truth.

    Raises
    ------
    ExportError
        It cannot be written.
    """
    from bachview.phantom.writer import truth_path, write_phantom

    with ProgressLine("Writing the slide", "tiles") as line:
        write_phantom(output, width=width, height=height, mpp=mpp, seed=seed, progress=line.update)
    tell(f"Wrote {output} and {truth_path(output).name} beside it.")
    return ExitCode.DONE
