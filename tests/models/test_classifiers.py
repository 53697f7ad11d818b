"""scikit-learn members: only listed types are built, and what they say must fit the bundle."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from bachview.errors import BundleError
from bachview.models.classifiers import Classifier, dump_classifier, load_classifier

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 200)
FEATURES = (RNG.normal(size=(200, 12)) + LABELS[:, None]).astype(np.float32)


def forest() -> Any:
    return RandomForestClassifier(10, n_jobs=2, random_state=0)


def boosting() -> Any:
    return HistGradientBoostingClassifier(max_iter=5, early_stopping=True, random_state=0)


def svm() -> Any:
    return CalibratedClassifierCV(SVC(random_state=0), ensemble=False, cv=3)


def trained_svm(**settings: Any) -> Any:
    """As training makes it."""
    return CalibratedClassifierCV(SVC(**settings), method="temperature", ensemble=False, cv=3)


def piped(last: Any) -> Any:
    return make_pipeline(StandardScaler(), PCA(5, random_state=0), last)


KINDS: list[tuple[str, Callable[[], Any]]] = [
    ("random_forest", forest),
    ("gradient_boosting", boosting),
    ("svm", svm),
    ("random_forest", lambda: piped(forest())),
    ("gradient_boosting", lambda: piped(boosting())),
    ("svm", lambda: piped(svm())),
    ("svm", lambda: CalibratedClassifierCV(piped(SVC()), method="isotonic", cv=3)),
    ("svm", lambda: CalibratedClassifierCV(SVC(), method="temperature", cv=3)),
    ("svm", lambda: trained_svm()),
    ("svm", lambda: piped(trained_svm())),
    ("svm", lambda: trained_svm(kernel="poly")),
]


def loaded(content: bytes, estimator: str, *, features: int = 12, classes: int = 4) -> Classifier:
    return load_classifier(
        content,
        estimator=estimator,
        feature_count=features,
        class_count=classes,
        where="x.skops in x.bachmodel",
    )


def refused(content: bytes, estimator: str = "random_forest", **sizes: int) -> str:
    with pytest.raises(BundleError) as caught:
        loaded(content, estimator, **sizes)
    text = str(caught.value)
    assert "x.skops in x.bachmodel" in text
    assert text.endswith(".")
    return text


def changed_schema(content: bytes, edit: Callable[[str], str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, edit(data.decode()).encode() if name == "schema.json" else data)
    return out.getvalue()


@pytest.mark.parametrize(("estimator", "make"), KINDS)
def test_a_stored_classifier_answers_as_before(estimator: str, make: Callable[[], Any]) -> None:
    fitted = make().fit(FEATURES, LABELS)
    classifier = loaded(dump_classifier(fitted), estimator)
    answer = classifier.probabilities(FEATURES)
    assert answer.dtype == np.float32
    assert answer.shape == (200, 4)
    np.testing.assert_allclose(answer, fitted.predict_proba(FEATURES), atol=1e-6)
    np.testing.assert_allclose(answer.sum(1), 1, atol=1e-5)
    assert classifier.probabilities(FEATURES[:0]).shape == (0, 4)


@pytest.mark.parametrize(("estimator", "make"), KINDS[:3])
def test_a_row_alone_gets_the_same_answer(estimator: str, make: Callable[[], Any]) -> None:
    classifier = loaded(dump_classifier(make().fit(FEATURES, LABELS)), estimator)
    together = classifier.probabilities(FEATURES[:20])
    alone = np.concatenate([classifier.probabilities(FEATURES[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_trained_support_vectors_answer_without_libsvm_which_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted = trained_svm(C=50.0, class_weight="balanced").fit(FEATURES, LABELS)
    wanted = fitted.predict_proba(FEATURES)
    far = np.full((1, 12), 1e6, np.float32)
    far_wanted = fitted.predict_proba(far)
    monkeypatch.delattr("sklearn.svm._base.BaseLibSVM._decision_function")
    classifier = loaded(dump_classifier(fitted), "svm")
    np.testing.assert_allclose(classifier.probabilities(FEATURES), wanted, atol=1e-6)
    np.testing.assert_allclose(classifier.probabilities(far), far_wanted, atol=1e-6)
    many = np.tile(FEATURES, (3, 1))  # more than are judged at once
    np.testing.assert_allclose(classifier.probabilities(many), np.tile(wanted, (3, 1)), atol=1e-6)


def test_the_same_classifier_gives_the_same_bytes() -> None:
    first = dump_classifier(piped(boosting()).fit(FEATURES, LABELS))
    second = dump_classifier(piped(boosting()).fit(FEATURES, LABELS))
    assert first == second


def test_an_unlisted_type_is_refused_though_skops_trusts_it() -> None:
    for foreign, named in (
        (KNeighborsClassifier(), "EuclideanDistance64, which is not allowed"),
        (LogisticRegression(), "LogisticRegression, which is not allowed"),
    ):
        content = skops.io.dumps(foreign.fit(FEATURES, LABELS))
        assert named in refused(content)
        with pytest.raises(ValueError, match="cannot contain"):
            dump_classifier(foreign)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "subprocess.Popen"])
def test_a_type_that_could_run_something_is_refused_unbuilt(name: str) -> None:
    module, _, kind = name.rpartition(".")

    def edit(schema: str) -> str:
        document = json.loads(schema)
        document["__module__"], document["__class__"] = module, kind
        return json.dumps(document)

    content = changed_schema(dump_classifier(forest().fit(FEATURES, LABELS)), edit)
    assert f"the type {name}, which is not allowed" in refused(content)


def test_a_function_in_a_listed_type_is_refused() -> None:
    def edit(schema: str) -> str:
        document = json.loads(schema)
        document["content"]["extra"] = {
            "__class__": "system",
            "__module__": "os",
            "__loader__": "FunctionNode",
            "__id__": 999999,
            "content": {"module_path": "os", "function": "system"},
        }
        return json.dumps(document)

    content = changed_schema(dump_classifier(forest().fit(FEATURES, LABELS)), edit)
    assert "not allowed" in refused(content)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 1000])
def test_what_is_no_skops_file_is_refused(content: bytes) -> None:
    assert "damaged" in refused(content)


def test_a_file_without_schema_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "x")
    assert "not a skops file" in refused(out.getvalue())


def test_a_truncated_array_is_refused() -> None:
    content = dump_classifier(forest().fit(FEATURES, LABELS))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[: len(data) // 2] if name.endswith(".npy") else data)
    assert "damaged" in refused(out.getvalue())


def test_another_estimator_than_the_manifest_says_is_refused() -> None:
    content = dump_classifier(forest().fit(FEATURES, LABELS))
    assert "contains a RandomForestClassifier, but the manifest says svm" in refused(content, "svm")


def test_other_features_are_refused() -> None:
    content = dump_classifier(forest().fit(FEATURES, LABELS))
    assert "fitted on 12 features, but the networks give 13" in refused(content, features=13)


@pytest.mark.parametrize("labels", [LABELS + 1, LABELS % 3, np.array(["a", "b", "c", "d"])[LABELS]])
def test_other_classes_are_refused(labels: Any) -> None:
    fitted = forest().fit(FEATURES, labels)
    try:
        content = dump_classifier(fitted)
    except ValueError:
        content = skops.io.dumps(fitted)
    assert "classes" in refused(content)


def test_a_tree_that_points_outside_itself_is_refused() -> None:
    fitted = forest().fit(FEATURES, LABELS)
    state = fitted.estimators_[0].tree_.__getstate__()
    state["nodes"]["left_child"][0] = 10_000
    fitted.estimators_[0].tree_.__setstate__(state)
    assert "outside itself" in refused(dump_classifier(fitted))


def test_a_tree_that_runs_in_a_circle_is_refused() -> None:
    fitted = boosting().fit(FEATURES, LABELS)
    nodes = fitted._predictors[0][0].nodes
    inner = np.flatnonzero(nodes["is_leaf"] == 0)[-1]
    nodes["left"][inner] = 0
    assert "outside itself" in refused(dump_classifier(fitted), "gradient_boosting")


def test_a_tree_that_points_before_its_start_is_refused() -> None:
    fitted = forest().fit(FEATURES, LABELS)
    state = fitted.estimators_[0].tree_.__getstate__()
    leaf = np.flatnonzero(state["nodes"]["left_child"] < 0)[0]
    state["nodes"]["left_child"][leaf] = state["nodes"]["right_child"][leaf] = -2
    fitted.estimators_[0].tree_.__setstate__(state)
    assert "outside itself" in refused(dump_classifier(fitted))


def test_a_tree_that_is_calibrated_is_looked_at_as_well() -> None:
    fitted = CalibratedClassifierCV(DecisionTreeClassifier(random_state=0), ensemble=False, cv=3)
    tree = fitted.fit(FEATURES, LABELS).calibrated_classifiers_[0].estimator.tree_
    state = tree.__getstate__()
    state["nodes"]["feature"][0] = 12
    tree.__setstate__(state)
    assert "outside itself" in refused(dump_classifier(fitted), "svm")


def test_a_tree_that_asks_for_categories_is_refused() -> None:
    fitted = boosting().fit(FEATURES, LABELS)
    fitted._predictors[0][0].nodes["is_categorical"][0] = 1
    assert "asks for categories" in refused(dump_classifier(fitted), "gradient_boosting")


def test_a_forest_without_trees_is_refused() -> None:
    fitted = forest().fit(FEATURES, LABELS)
    fitted.estimators_ = []
    assert "damaged" in refused(dump_classifier(fitted))


def test_a_schema_that_cannot_be_unpacked_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", json.dumps({"a": list(range(1000))}))
        start = archive.infolist()[0].header_offset + 30 + len("schema.json")
    content = bytearray(out.getvalue())
    content[start : start + 8] = b"\xff" * 8
    assert "not a skops file" in refused(bytes(content))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("_intercept_", lambda values: values[:1].copy()),
        ("_dual_coef_", lambda values: values[:, :5].copy()),
        ("_n_support", lambda values: values[:2].copy()),
        ("support_", lambda values: values[:5].copy()),
        ("kernel", lambda _: "precomputed"),
    ],
)
def test_what_libsvm_would_follow_out_of_its_arrays_is_refused(
    name: str, change: Callable[[Any], Any]
) -> None:
    fitted = svm().fit(FEATURES, LABELS)
    inner = fitted.calibrated_classifiers_[0].estimator
    setattr(inner, name, change(getattr(inner, name)))
    assert "do not fit together" in refused(dump_classifier(fitted), "svm")


def test_support_vectors_that_do_not_fit_together_are_refused() -> None:
    fitted = svm().fit(FEATURES, LABELS)
    inner = fitted.calibrated_classifiers_[0].estimator
    inner.support_vectors_ = inner.support_vectors_[:, :5].copy()
    assert "do not fit together" in refused(dump_classifier(fitted), "svm")
