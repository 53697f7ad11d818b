"""Whether the engine in use answers what the reference engine answers."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.errors import EngineError
from bachview.models.ensemble import Ensemble
from bachview.models.verification import Check

#: Greatest difference in any probability of a network, by precision; in bf16 the class counts.
F32_TOLERANCE = 1e-3
SAME_CLASS = 0.995


def check_engine(ensemble: Ensemble, path: Path, patches: npt.NDArray[np.uint8]) -> Check:
    """Classify the same patches with the TensorFlow engine and compare.

    Takes some 15 s for the import of TensorFlow; skipped, and said so, where it is not there.

    Parameters
    ----------
    path : of the bundle of `ensemble`.
    patches : (N, S, S, 3) uint8 RGB.
    """
    from bachview.models.loading import load_ensemble

    name = "engine against reference"
    if find_spec("tensorflow") is None:
        return Check(
            name, True, "Skipped: TensorFlow is not installed, so there is no reference here."
        )
    info = ensemble.info
    try:
        loaded = load_ensemble(path, engine="tensorflow", device="CPU")
    except EngineError as error:
        return Check(name, True, f"Skipped: {error}")
    # A reference that is there and fails is no reason to skip: the error is the caller's.
    with loaded as reference:
        expected = reference.predict(patches)
    return compare_answers(
        f"{info.name} on {info.device} in {info.precision}",
        info.precision,
        ensemble.predict(patches).members,
        expected.members,
        tuple(cnn.name for cnn in ensemble.bundle.manifest.cnns),
        ensemble.bundle.member_names,
    )


def compare_answers(
    what: str,
    precision: str,
    answers: npt.NDArray[np.float32],
    expected: npt.NDArray[np.float32],
    networks: tuple[str, ...],
    members: tuple[str, ...],
) -> Check:
    """Compare (N, M, C) float32 answers of the members with the reference's.

    Networks are held to the tolerance of the precision. Classifiers may jump where a feature
    crosses a threshold by a rounding error, so only their classes are compared.
    """
    name = "engine against reference"
    places = [members.index(network) for network in networks]
    worst = float(np.abs(answers[:, places] - expected[:, places]).max(initial=0))
    same = float((answers.argmax(2) == expected.argmax(2)).mean())
    found = f"{what}: {len(answers)} patches, networks within {worst:.1e}, same class in {same:.1%}"
    if precision == "f32" and worst > F32_TOLERANCE:
        return Check(name, False, f"{found}; {F32_TOLERANCE:g} is allowed.")
    if same < SAME_CLASS:
        return Check(name, False, f"{found}; {SAME_CLASS:.1%} is demanded.")
    return Check(name, True, f"{found}.")
