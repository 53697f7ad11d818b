"""Loading a bundle in a fixed order of named steps.

`load_ensemble` takes the steps and stops at the first error; `verify_bundle` takes the same
steps and reports each. So a bundle that verifies is a bundle that loads. If the bundle is new on
this computer, a child process takes the steps first.
"""

import functools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from bachview.core.closable import Closable
from bachview.errors import BundleError, EngineError, UsageError
from bachview.jobs.memory import give_back_memory
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle import golden as gold
from bachview.models.bundle.manifest import SEEN_FILE, CnnMember, SklearnMember
from bachview.models.bundle.opened import Bundle, open_bundle
from bachview.models.classifiers import Classifier, load_classifier
from bachview.models.engines.base import DEVICES, ENGINES, PRECISIONS, CnnEngine
from bachview.models.ensemble import Ensemble, members_of, vote
from bachview.models.first_load import Refusal, try_in_child
from bachview.models.known_bundles import KnownBundles, is_installed
from bachview.models.seen import SeenMaterial, read_seen

Step = Callable[[], str]
_log = logging.getLogger(__name__)


class Loading(Closable):
    """The steps from a path to an `Ensemble`. One thread; closes what it does not hand over."""

    def __init__(
        self,
        path: Path,
        *,
        engine: str,
        device: str,
        precision: str,
        token: CancelToken | None = None,
        is_trusted: bool = False,
    ) -> None:
        """Check the request; nothing is opened yet.

        Parameters
        ----------
        token : ends a trial in a child process.
        is_trusted : no trial: the program made the bundle itself, or this process may crash.

        Raises
        ------
        UsageError
            An option has an unknown value.
        """
        for what, value, known in (
            ("engine", engine, ENGINES),
            ("device", device, DEVICES),
            ("precision", precision, PRECISIONS),
        ):
            if value not in known:
                raise UsageError(f"There is no {what} {value}: choose one of {', '.join(known)}.")
        self._path = path
        self._asked = (engine, device, precision)
        self._token = token
        self._is_trusted = is_trusted
        self._bundle: Bundle | None = None
        self._golden: gold.Golden | None = None
        self._classifiers: list[Classifier] = []
        self._seen: SeenMaterial | None = None
        self._engine: CnnEngine | None = None

    def steps(self) -> Iterator[tuple[str, Step]]:
        """Name and function of each step, in order; the function describes its result.

        Raises
        ------
        Cancelled
            The token was cancelled during a trial.
        """
        before = {
            "files": self._open,
            "golden patches": self._read_golden,
            "training material": self._read_seen,
        }
        yield from before.items()
        refusal = self._trial()
        if refusal is not None:
            # Do not touch it any further here: a crash may have its cause in an earlier step.
            for name, found in refusal.done:
                if name not in before:
                    yield name, functools.partial(str, found)
            yield refusal.step or "first load", refusal.tell
            return
        for place, member in enumerate(self._opened.manifest.members):
            if isinstance(member, SklearnMember):
                yield f"member {member.name}", functools.partial(self._load, member, place)
        yield "networks", self._start_engine

    def take_all(self) -> None:
        """Take every step; stop at the first error.

        Raises
        ------
        BundleError, EngineError, Cancelled
            See `load_ensemble`.
        """
        for _name, step in self.steps():
            step()

    def _trial(self) -> Refusal | None:
        """Let a child load the bundle, unless it is known to be harmless."""
        known = KnownBundles()
        if self._is_trusted or is_installed(self._path) or known.holds(self.sha256, self._asked):
            return None
        refusal = try_in_child(self._path, self.sha256, self._asked, self._token)
        if refusal is None:
            known.add(self.sha256, self._asked)
        return refusal

    @property
    def sha256(self) -> str:
        """The manifest, available after the first step."""
        return self._opened.sha256

    @property
    def _opened(self) -> Bundle:
        assert self._bundle is not None, "the first step opens the bundle"  # noqa: S101
        return self._bundle

    @property
    def _gold(self) -> gold.Golden:
        assert self._golden is not None, "the second step reads the golden patches"  # noqa: S101
        return self._golden

    def _open(self) -> str:
        self._bundle = open_bundle(self._path)
        manifest = self._bundle.manifest
        count = manifest.patch.cells_per_side
        return (
            f"{manifest.name} {manifest.version}: manifest complete, "
            + (f"{count} x {count} cells of a patch, " if count > 1 else "")
            + f"{len(manifest.files)} files with the correct SHA-256"
        )

    def _read_golden(self) -> str:
        bundle = self._opened
        self._golden = gold.read_golden(bundle)
        gold.check_vote(vote(bundle.manifest, self._golden.members), self._golden, bundle.path.name)
        return f"{len(self._golden.labels)} patches for {', '.join(self._golden.class_keys)}"

    def _read_seen(self) -> str:
        import numpy as np

        manifest, where = self._opened.manifest, f"{SEEN_FILE} in {self._opened.path.name}"
        if not manifest.has_seen:
            return manifest.unseen
        seen = read_seen(
            self._opened.read(SEEN_FILE),
            feature_count=sum(cnn.features for cnn in manifest.cnns),
            class_count=len(manifest.classes),
            where=where,
        )
        distances = seen.distances(np.concatenate(self._gold.features, axis=1))
        # These were chosen from the training material.
        if not np.median(distances) <= 1:
            raise BundleError(
                f"{where} places the golden patches outside the training material: it was made for "
                "another model."
            )
        self._seen = seen
        return f"statistics of {len(seen.mean):,} features"

    def _load(self, member: SklearnMember, place: int) -> str:
        import numpy as np

        bundle = self._opened
        where = bundle.path.name
        classifier = load_classifier(
            bundle.read(member.file),
            estimator=member.estimator,
            feature_count=sum(cnn.features for cnn in bundle.manifest.cnns),
            class_count=len(bundle.manifest.classes),
            where=f"{member.file} in {where}",
        )
        try:
            found = classifier.probabilities(np.concatenate(self._gold.features, axis=1))
        # A crafted file fails in ways that only its maker knows; none of them is our bug.
        except Exception as error:
            raise BundleError(
                f"The member {member.name} of {where} fails on the golden patches "
                f"({type(error).__name__}): the model was changed."
            ) from error
        gold.check_classifier(member.name, place, found, self._gold, where)
        self._classifiers.append(classifier)
        return f"{member.estimator}, only listed types, golden answers reproduced"

    def _start_engine(self) -> str:
        name, device, precision = self._asked
        last: EngineError | BundleError | None = None
        for engine_device, engine_precision in _candidates(name, device, precision):
            try:
                return self._try_engine(name, engine_device, engine_precision)
            except (EngineError, BundleError) as error:
                last = error
                _log.info("%s on %s refused: %s", engine_precision, engine_device, error)
        assert last is not None, "there is always a candidate"  # noqa: S101
        raise last

    def _try_engine(self, name: str, device: str, precision: str) -> str:
        bundle, golden = self._opened, self._gold
        manifest, where = bundle.manifest, bundle.path.name
        engine = _make_engine(name, bundle, device, precision)
        try:
            outputs = engine.run(golden.patches)
            places = tuple(p for p, m in enumerate(manifest.members) if isinstance(m, CnnMember))
            names = tuple(cnn.name for cnn in manifest.cnns)
            worst = gold.check_networks(outputs, names, places, golden, precision, where)
            members = members_of(manifest, outputs, tuple(self._classifiers))
            total = gold.check_ensemble(vote(manifest, members), golden, precision, where)
        except BaseException:
            engine.close()
            raise
        self._engine = engine
        info = engine.info
        return (
            f"{info.name} on {info.device} in {info.precision}: golden answers reproduced "
            "(networks "
            f"within {worst:.1e}, ensemble within {total:.1e} of the reference)"
        )

    def ensemble(self) -> Ensemble:
        """The loaded ensemble, after the last step; it owns bundle and engine from now on."""
        assert self._engine is not None, "the last step starts the engine"  # noqa: S101
        ensemble = Ensemble(self._opened, self._engine, tuple(self._classifiers), self._seen)
        self._bundle = self._engine = None
        return ensemble

    def close(self) -> None:
        """Close everything that was opened and not handed over."""
        if self._engine is not None:
            self._engine.close()
        if self._bundle is not None:
            self._bundle.close()


def load_ensemble(
    path: Path,
    *,
    engine: str = "openvino",
    device: str = "AUTO",
    precision: str = "auto",
    token: CancelToken | None = None,
) -> Ensemble:
    """Open a bundle, check everything in it, and get it ready.

    Any thread; the threads of the engine always run at low priority. The golden patches are
    classified before this returns. A bundle that is new on this computer is first loaded in a child
    process.

    Parameters
    ----------
    engine : one of `ENGINES`.
    device : one of `DEVICES`; AUTO is a GPU that passes the golden patches, else the CPU.
    precision : one of `PRECISIONS`; auto is the fastest that the device computes natively and
        that passes the golden patches.
    token : ends the child process.

    Raises
    ------
    Cancelled
        `token` was cancelled while the child was running.
    BundleError
        The bundle is damaged, incomplete, or not what its manifest says.
    EngineError
        The engine or the device is missing, or rejects the bundle.
    UsageError
        `engine`, `device` or `precision` has an unknown value.
    """
    with Loading(path, engine=engine, device=device, precision=precision, token=token) as loading:
        loading.take_all()
        ensemble = loading.ensemble()
    # Loading needs much more memory than what is loaded.
    give_back_memory()
    return ensemble


def _candidates(engine: str, device: str, precision: str) -> Iterator[tuple[str, str]]:
    """Device and precision to try, best first."""
    if engine == "tensorflow":
        from bachview.models.engines.tensorflow_engine import (
            candidate_devices as tensorflow_devices,
        )

        if precision not in ("auto", "f32"):
            raise UsageError("The tensorflow engine is the reference and computes in f32 only.")
        for found in tensorflow_devices(device):
            yield found, "f32"
        return
    from bachview.models.engines.openvino_engine import candidate_devices, candidate_precisions

    for found in candidate_devices(device):
        for wanted in candidate_precisions(found) if precision == "auto" else (precision,):
            yield found, wanted


def _make_engine(name: str, bundle: Bundle, device: str, precision: str) -> CnnEngine:
    if name == "tensorflow":
        from bachview.models.engines.tensorflow_engine import TensorFlowEngine

        return TensorFlowEngine(bundle, device=device)
    from bachview.models.engines.openvino_engine import OpenVinoEngine

    return OpenVinoEngine(bundle, device=device, precision=precision)
