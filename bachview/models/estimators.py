"""The scikit-learn members that a manifest may name: one row of `ESTIMATORS` each.

Training fits all of them, in this order. scikit-learn is imported inside the functions.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field

from bachview.errors import BundleError

Floats = npt.NDArray[np.float32]

#: Returns this many folds (train, test) of the rows to fit, with patients kept together.
Folds = Callable[[int], list[tuple[Any, Any]]]

#: Inner folds of the SVM's calibration.
_CALIBRATION_FOLDS: Final = 3
#: A machine keeps most rows of unclear classes, and compares every row that it judges with each:
#: at 48 components some 90 million comparisons a second on one core.
_MOST_SVM_ROWS: Final = 6000
#: Rows that a machine judges at once: 16 MB with 8,000 support vectors.
_SVM_ROWS_AT_ONCE: Final = 256

#: What any of them may hold in its .skops file, by full name.
_COMMON_TYPES: Final = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "numpy.float32",
        "numpy.float64",
        "numpy.int32",
        "numpy.int64",
        "numpy.ndarray",
        "numpy.random._generator.Generator",
        "numpy.uint64",
        "numpy.uint8",
        "sklearn.decomposition._pca.PCA",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._label.LabelEncoder",
    }
)


def _predict_proba(fitted: Any, rows: Floats) -> Floats:
    return np.asarray(fitted.predict_proba(rows), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Estimator:
    """One scikit-learn member.

    Attributes
    ----------
    key : names it in manifests.
    name : of the member in the ensemble.
    file : in a bundle.
    final : name of the class at the end of its pipeline.
    make : that class, not fitted; takes the settings of a recipe, a seed, and folds for a
        calibration inside. Training puts the scaling and the principal components before it.
    settings : keys that it adds to ``[classifiers]`` of a recipe, each with its type.
    types : allowed types in its .skops file, besides the common ones, by full name.
    checks : of the classes in it, by name: refuse what compiled code would follow out of its
        arrays without looking; BundleError with the text of where it is.
    probabilities : (N, F) to (N, C) float32 of the fitted class.
    strip : removes fitted parts that are not stored.
    most_rows : it is fitted on at most so many; None: on all.
    """

    key: str
    name: str
    file: str
    final: str
    make: Callable[[Mapping[str, Any], int, Folds], Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    types: frozenset[str] = frozenset()
    checks: Mapping[str, Callable[[Any, str], None]] = field(default_factory=dict)
    probabilities: Callable[[Any, Floats], Floats] = _predict_proba
    strip: Callable[[Any], None] = lambda fitted: None
    most_rows: int | None = None


# -- random forest ---------------------------------------------------------------------------


def _forest(settings: Mapping[str, Any], seed: int, folds: Folds) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        settings["forest_trees"],
        min_samples_leaf=settings["forest_leaf"],
        class_weight="balanced",
        random_state=seed,
    )


def _forest_probabilities(forest: Any, features: Floats) -> Floats:
    """The same numbers as ``predict_proba``, without a joblib call for each tree.

    Measured with 300 trees: 1.4 ms a batch instead of 21 ms, whatever its size up to 64.
    """
    rows = np.ascontiguousarray(features, dtype=np.float32)
    total = sum(member.tree_.predict(rows) for member in forest.estimators_)
    return np.asarray(total / len(forest.estimators_), dtype=np.float32)


def _check_forest(forest: Any, where: str) -> None:
    for member in forest.estimators_:
        _check_decision_tree(member.tree_, forest, where)


def _check_decision_tree(tree: Any, part: Any, where: str) -> None:
    _check_tree(tree.children_left, tree.children_right, tree.feature, part, where)


# -- gradient boosting -----------------------------------------------------------------------


def _boosting(settings: Mapping[str, Any], seed: int, folds: Folds) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=settings["boosting_rounds"],
        max_leaf_nodes=settings["boosting_leaves"],
        learning_rate=settings["boosting_rate"],
        l2_regularization=1.0,
        class_weight="balanced",
        early_stopping=False,
        random_state=seed,
    )


def _check_boosting(boosting: Any, where: str) -> None:
    for tree in (tree for round_ in boosting._predictors for tree in round_):
        inner = tree.nodes["is_leaf"] == 0
        leaf = np.int64(-1)
        left = np.where(inner, tree.nodes["left"].astype(np.int64), leaf)
        right = np.where(inner, tree.nodes["right"].astype(np.int64), leaf)
        _check_tree(left, right, tree.nodes["feature_idx"], boosting, where)
        # Features are numbers; a categorical node would look up a table of its own.
        if tree.nodes["is_categorical"].any():
            raise BundleError(f"{where} is damaged: a tree asks for categories.")


# -- support vectors -------------------------------------------------------------------------


def _svm(settings: Mapping[str, Any], seed: int, folds: Folds) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    # Rows of one patient look alike: folds that split them would calibrate on the known. One
    # temperature, as a sigmoid of each class, fitted on so few patients, can turn a class round
    # (in one fold of BACH it left 39 % of the photos right, and the temperature 61 %).
    machine = SVC(C=settings["svm_c"], class_weight="balanced", random_state=seed)
    return CalibratedClassifierCV(
        machine, method="temperature", ensemble=False, cv=folds(_CALIBRATION_FOLDS)
    )


def _svm_probabilities(calibrated: Any, features: Floats) -> Floats:
    """The same numbers as ``predict_proba``, by matrix products where it is a machine of `_svm`.

    Measured with 7,201 support vectors of 48 features: 2 ms for 24 rows instead of 20 ms.
    """
    part, *others = calibrated.calibrated_classifiers_
    machine = part.estimator
    if (
        others
        or part.method != "temperature"
        or type(machine).__name__ != "SVC"
        or machine.kernel != "rbf"
        or machine.decision_function_shape != "ovr"
        or len(machine.classes_) < 3
    ):
        return _predict_proba(calibrated, features)
    blocks = [
        features[at : at + _SVM_ROWS_AT_ONCE] for at in range(0, len(features), _SVM_ROWS_AT_ONCE)
    ]
    decisions = np.concatenate([_decisions(machine, block) for block in blocks])
    return np.asarray(part.calibrators[0].predict(decisions), dtype=np.float32)


def _decisions(machine: Any, features: Floats) -> npt.NDArray[np.float64]:
    """(N, C) float64: ``decision_function`` of an ``SVC`` with radial kernel and C > 2 classes."""
    from sklearn.utils.multiclass import _ovr_decision_function

    rows, vectors = features.astype(np.float64), machine.support_vectors_
    exponents = rows @ (2 * machine._gamma * vectors.T)
    exponents -= machine._gamma * (rows**2).sum(axis=1)[:, None]
    exponents -= machine._gamma * (vectors**2).sum(axis=1)
    kernel = np.exp(np.minimum(exponents, 0, out=exponents), out=exponents)
    # For each pair of classes: a sum over the vectors of both, with their coefficients against the
    # other class.
    ends = np.cumsum(machine._n_support)[:-1]
    sums = [
        part @ coefficients.T
        for part, coefficients in zip(
            np.split(kernel, ends, axis=1), np.split(machine._dual_coef_, ends, axis=1), strict=True
        )
    ]
    pairs = itertools.combinations(range(len(sums)), 2)
    of_pairs = np.stack([sums[i][:, j - 1] + sums[j][:, i] for i, j in pairs], axis=1)
    of_pairs += machine._intercept_
    return np.asarray(_ovr_decision_function(of_pairs < 0, -of_pairs, len(sums)))


def _strip_folds(calibrated: Any) -> None:
    """The bundle stores the fitted machine, not the folds that it was calibrated on."""
    calibrated.cv = _CALIBRATION_FOLDS


def _check_svc(part: Any, where: str) -> None:
    """The arrays that libsvm gets (the private ones) must have the sizes that it assumes."""
    vectors, counts = part.support_vectors_, np.asarray(part._n_support)
    classes = len(part.classes_)
    pairs = classes * (classes - 1) // 2
    sound = (
        part._impl == "c_svc",
        # With a precomputed kernel the support vectors would be used as places.
        part.kernel in ("linear", "poly", "rbf", "sigmoid"),
        vectors.ndim == 2 and vectors.shape[1] == part.n_features_in_,
        part._dual_coef_.shape == (classes - 1, len(vectors)),
        part._intercept_.shape == (pairs,),
        part.support_.shape == (len(vectors),),
        counts.shape == (classes,) and (counts >= 0).all() and counts.sum() == len(vectors),
        all(values.shape in ((0,), (pairs,)) for values in (part._probA, part._probB)),
    )
    if not all(sound):
        raise BundleError(f"{where} is damaged: its support vectors do not fit together.")


# -- the table -------------------------------------------------------------------------------

_BOOSTING: Final = "sklearn.ensemble._hist_gradient_boosting"
_Count = Annotated[int, Field(ge=1, le=1_000_000)]

ESTIMATORS: tuple[Estimator, ...] = (
    Estimator(
        key="random_forest",
        name="Random forest",
        file="forest.skops",
        final="RandomForestClassifier",
        make=_forest,
        settings={
            "forest_trees": Annotated[int, Field(ge=1, le=2000)],
            "forest_leaf": _Count,
        },
        types=frozenset(
            {
                "sklearn.ensemble._forest.RandomForestClassifier",
                "sklearn.tree._classes.DecisionTreeClassifier",
                "sklearn.tree._tree.Tree",
            }
        ),
        checks={
            "RandomForestClassifier": _check_forest,
            "DecisionTreeClassifier": lambda part, where: _check_decision_tree(
                part.tree_, part, where
            ),
        },
        probabilities=_forest_probabilities,
    ),
    Estimator(
        key="gradient_boosting",
        name="Gradient boosting",
        file="boosting.skops",
        final="HistGradientBoostingClassifier",
        make=_boosting,
        settings={
            "boosting_rounds": Annotated[int, Field(ge=1, le=2000)],
            "boosting_leaves": Annotated[int, Field(ge=2, le=255)],
            "boosting_rate": Annotated[float, Field(gt=0, le=1)],
        },
        types=frozenset(
            {
                "sklearn._loss._loss.CyHalfMultinomialLoss",
                "sklearn._loss.link.Interval",
                "sklearn._loss.link.MultinomialLogit",
                "sklearn._loss.loss.HalfMultinomialLoss",
                f"{_BOOSTING}.binning._BinMapper",
                f"{_BOOSTING}.gradient_boosting.HistGradientBoostingClassifier",
                f"{_BOOSTING}.predictor.TreePredictor",
            }
        ),
        checks={"HistGradientBoostingClassifier": _check_boosting},
    ),
    Estimator(
        key="svm",
        name="Support vectors",
        file="svm.skops",
        final="CalibratedClassifierCV",
        make=_svm,
        settings={"svm_c": Annotated[float, Field(gt=0, le=1e6)]},
        types=frozenset(
            {
                "sklearn.calibration.CalibratedClassifierCV",
                "sklearn.calibration._CalibratedClassifier",
                "sklearn.calibration._SigmoidCalibration",
                "sklearn.calibration._TemperatureScaling",
                "sklearn.isotonic.IsotonicRegression",
                "sklearn.svm._classes.SVC",
            }
        ),
        checks={"SVC": _check_svc},
        probabilities=_svm_probabilities,
        strip=_strip_folds,
        most_rows=_MOST_SVM_ROWS,
    ),
)


def estimator_of(key: str) -> Estimator:
    """The row of an estimator.

    Raises
    ------
    ValueError
        There is none of this key; the text names those that there are.
    """
    for row in ESTIMATORS:
        if row.key == key:
            return row
    known = ", ".join(row.key for row in ESTIMATORS)
    raise ValueError(f"there is no estimator {key[:80]}; there are {known}")


#: The key of an estimator; where pydantic reads one, it is looked up.
EstimatorKey = Annotated[str, AfterValidator(lambda key: estimator_of(key).key)]


def probabilities(fitted: Any, rows: Floats) -> Floats:
    """(N, F) to (N, C) float32 of a fitted last step, by the way of its row."""
    for row in ESTIMATORS:
        if row.final == type(fitted).__name__:
            return row.probabilities(fitted, rows)
    return _predict_proba(fitted, rows)


def trusted_types() -> frozenset[str]:
    """What may stand in a .skops file of a bundle, by full name. Nothing else is ever built."""
    return _COMMON_TYPES.union(*(row.types for row in ESTIMATORS))


def _check_tree(
    left: npt.NDArray[Any],
    right: npt.NDArray[Any],
    feature: npt.NDArray[Any],
    part: Any,
    where: str,
) -> None:
    places = np.arange(len(left))
    inner = left >= 0
    # A child stands behind its parent, so that no path can run in a circle.
    sound: Sequence[Any] = (
        len(left) > 0,
        np.array_equal(inner, right >= 0),
        # Only -1 ends a path; any other negative number would be followed.
        (left[~inner] == -1).all() and (right[~inner] == -1).all(),
        (left[inner] > places[inner]).all() and (left[inner] < len(left)).all(),
        (right[inner] > places[inner]).all() and (right[inner] < len(left)).all(),
        (feature[inner] >= 0).all() and (feature[inner] < part.n_features_in_).all(),
    )
    if not all(sound):
        raise BundleError(f"{where} is damaged: a tree points outside itself.")
