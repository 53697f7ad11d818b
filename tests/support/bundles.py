"""Taking the committed self-test bundle apart and putting it together again, changed."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.models.bundle.installed import resolve_bundle

Json = dict[str, Any]
Arrays = dict[str, npt.NDArray[Any]]


def selftest_path() -> Path:
    return resolve_bundle("selftest")


def unpacked(folder: Path) -> Path:
    """The self-test bundle as a folder."""
    with zipfile.ZipFile(selftest_path()) as archive:
        archive.extractall(folder)
    return folder


def packed(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def edit_manifest(folder: Path, edit: Callable[[Json], object]) -> Path:
    """Change the manifest; hashes of the other files stay."""
    path = folder / "manifest.json"
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_text(json.dumps(document))
    return folder


def rehash(folder: Path) -> Path:
    """Put the hashes of the files as they are now into the manifest."""

    def edit(document: Json) -> None:
        for name in document["files"]:
            content = (folder / name).read_bytes()
            document["files"][name] = hashlib.sha256(content).hexdigest()

    return edit_manifest(folder, edit)


def edit_arrays(path: Path, edit: Callable[[Arrays], object]) -> None:
    """Change the arrays of an ``.npz``."""
    with np.load(path) as stored:
        arrays: Arrays = {name: stored[name] for name in stored.files}
    edit(arrays)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    path.write_bytes(content.getvalue())
