"""Checks that the engine in use agrees with the reference engine."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.errors import EngineError
from bachview.models.ensemble import Ensemble
from bachview.models.verification import Check

#: Largest difference in any probability of a network, by precision; in bf16 the class counts.
F32_TOLERANCE = 1e-3
SAME_CLASS = 0.995


def check_engine(ensemble: Ensemble, path: Path, patches: npt.NDArray[np.uint8]) -> Check:
    """Classify the same patches with the TensorFlow engine and compare.

    Takes some 15 s for importing TensorFlow; reported as skipped if it is not installed.

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
    # A reference that exists but fails must not be skipped: the error goes to the caller.
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
    """Compare (N, M, C) float32 predictions of the members with those of the reference.

    Networks must agree within the tolerance of the precision. Classifiers may jump if a feature
    crosses a threshold by a rounding error, so only their classes are compared.
    """
    name = "engine against reference"
    places = [members.index(network) for network in networks]
    worst = float(np.abs(answers[:, places] - expected[:, places]).max(initial=0))
    same = float((answers.argmax(2) == expected.argmax(2)).mean())
    agreement = f"networks within {worst:.1e}, same class in {100 * same:.1f} %"
    found = f"{what}: {len(answers)} patches, {agreement}"
    if precision == "f32" and worst > F32_TOLERANCE:
        return Check(name, False, f"{found}; {F32_TOLERANCE:g} is allowed.")
    if same < SAME_CLASS:
        return Check(name, False, f"{found}; {100 * SAME_CLASS:.1f} % is required.")
    return Check(name, True, f"{found}.")
