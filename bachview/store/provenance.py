"""Provenance of a prediction: stored with every run and written into every export."""

import json
import sys
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from bachview.config import RESEARCH_USE
from bachview.version import __version__

_LIBRARIES = ("openslide-bin", "openvino", "scikit-learn", "numpy")


def now_text() -> str:
    """The time in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def library_versions() -> tuple[tuple[str, str], ...]:
    """Names and versions of this program and the libraries it computes with, unimported."""
    found = [("bachview", __version__), ("python", sys.version.split()[0])]
    for name in _LIBRARIES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What must be known about how a result was produced. No file or patient names.

    Attributes
    ----------
    slide_fingerprint : identifies the content of the slide, never its name.
    bundle_name, bundle_sha256 : the model.
    mpp_x, mpp_y : um per level-0 px that the run used.
    mpp_origin : ``file`` or ``user``.
    icc_applied : whether the slide's colour profile was applied before the models saw it.
    engine, device, precision : what computed; joined by ``+`` if a run was continued on another
        device.
    versions : (name, version) pairs.
    time : ISO 8601 UTC, when the run was last started or resumed.
    research_use : the sentence that goes with every result.
    """

    slide_fingerprint: str
    bundle_name: str
    bundle_sha256: str
    mpp_x: float
    mpp_y: float
    mpp_origin: str
    icc_applied: bool
    engine: str
    device: str
    precision: str
    versions: tuple[tuple[str, str], ...]
    time: str
    research_use: str = RESEARCH_USE

    def continuing(self, earlier: "Provenance") -> "Provenance":
        """The provenance of a resumed run: includes the engines of `earlier`."""
        return replace(
            self,
            engine=_joined(earlier.engine, self.engine),
            device=_joined(earlier.device, self.device),
            precision=_joined(earlier.precision, self.precision),
        )

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON; versions as a mapping."""
        return {**asdict(self), "versions": dict(self.versions)}

    def to_json(self) -> str:
        return json.dumps(self.to_document())

    @classmethod
    def from_json(cls, text: str) -> "Provenance":
        values = json.loads(text)
        return cls(**{**values, "versions": tuple(values["versions"].items())})


def _joined(earlier: str, now: str) -> str:
    parts = earlier.split(" + ")
    return earlier if now in parts else " + ".join([*parts, now])
