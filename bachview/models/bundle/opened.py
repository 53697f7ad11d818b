"""A bundle on disk: a folder, or a zip with the suffix ``.bachmodel``.

It is untrusted input. Opening parses the manifest and checks that exactly the files it lists exist,
with the hashes it states; nothing is built or run. Every later `Bundle.read` checks the hash again,
so a file that changes after opening is noticed.
"""

import hashlib
from pathlib import Path

from bachview.core.classes import ClassSet
from bachview.core.closable import Closable
from bachview.core.patches import PatchGeometry
from bachview.core.uncertainty import Thresholds
from bachview.errors import BundleError
from bachview.models.bundle.containers import Container, open_container
from bachview.models.bundle.manifest import (
    MANIFEST_FILE,
    MANIFEST_LIMIT_BYTES,
    MODEL_CARD_FILE,
    Manifest,
    parse_manifest,
)


class Bundle(Closable):
    """An opened bundle whose files all have the hashes of its manifest.

    One thread at a time. The owner closes it (an `Ensemble` closes the bundle it was loaded
    from).

    Attributes
    ----------
    path : the folder or file.
    manifest : the parsed manifest.
    sha256 : hash of the manifest's bytes. As these hold the hashes of all other files, it
        names the whole content; a folder and its zip have the same.
    """

    def __init__(self, container: Container) -> None:
        """Parse and check.

        Raises
        ------
        BundleError
            See `open_bundle`.
        """
        self.path = container.path
        self._container = container
        where = container.path.name
        if MANIFEST_FILE not in container.files:
            raise BundleError(f"{where} has no {MANIFEST_FILE}: it is not a model.")
        content = container.read(MANIFEST_FILE, MANIFEST_LIMIT_BYTES)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.manifest: Manifest = parse_manifest(content, where)
        self._check_files()

    def _check_files(self) -> None:
        where = self.path.name
        listed = self.manifest.files
        there = set(self._container.files) - {MANIFEST_FILE}
        for name in sorted(set(listed) - there):
            raise BundleError(f"The model {where} lacks {name}: copy it again.")
        for name in sorted(there - set(listed)):
            raise BundleError(
                f"The model {where} contains {name}, which its manifest does not list: nothing was "
                "loaded."
            )
        for name, wanted in listed.items():
            if self._container.sha256(name) != wanted:
                raise self._wrong_hash(name)

    def _wrong_hash(self, name: str) -> BundleError:
        return BundleError(
            f"{name} in the model {self.path.name} is not the file that the manifest describes "
            "(its SHA-256 differs): copy the model again."
        )

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def classes(self) -> ClassSet:
        """The classes in the order of the probability columns."""
        return self.manifest.class_set

    @property
    def geometry(self) -> PatchGeometry:
        """The patch geometry."""
        return self.manifest.geometry

    @property
    def member_names(self) -> tuple[str, ...]:
        """Names of the members in the order of the votes."""
        return tuple(member.name for member in self.manifest.members)

    @property
    def thresholds(self) -> Thresholds:
        """Limits beyond which a prediction is shown as uncertain."""
        return self.manifest.uncertainty_thresholds

    @property
    def uniform_share(self) -> float:
        """Share of a photo's votes that is spread evenly over the classes."""
        return self.manifest.photo_doubt

    @property
    def model_card(self) -> str:
        """``MODEL_CARD.md`` as text."""
        return self.read(MODEL_CARD_FILE).decode("utf-8", errors="replace")

    def read(self, name: str) -> bytes:
        """Content of one file that the manifest lists.

        Raises
        ------
        BundleError
            It is not listed, cannot be read, or has changed since the bundle was opened.
        """
        wanted = self.manifest.files.get(name)
        if wanted is None:
            raise BundleError(f"The manifest of {self.path.name} does not list {name}.")
        content = self._container.read(name)
        if hashlib.sha256(content).hexdigest() != wanted:
            raise self._wrong_hash(name)
        return content

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._container.close()


def open_bundle(path: Path) -> Bundle:
    """Open a folder or ``.bachmodel`` file, parse its manifest and check every hash.

    Raises
    ------
    BundleError
        It is missing or not a bundle; a name leaves the folder, is absolute, a link or a duplicate;
        it is too large or compressed too much; a file is missing, unlisted or has another hash; the
        manifest is wrong.
    """
    container = open_container(path)
    try:
        return Bundle(container)
    except BaseException:
        container.close()
        raise
