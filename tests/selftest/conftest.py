"""Drawn slides and the self-test ensemble, made once for a file of tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bachview.models.bundle.installed import resolve_bundle
from bachview.models.ensemble import Ensemble
from bachview.models.loading import load_ensemble
from bachview.phantom.writer import PhantomTruth, write_phantom
from bachview.selftest.chart import Chart, write_chart
from tests.support.selftest_subjects import Drawn


@pytest.fixture(scope="module")
def ensemble() -> Iterator[Ensemble]:
    with load_ensemble(resolve_bundle("selftest")) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("selftest")


@pytest.fixture(scope="module")
def chart(folder: Path, ensemble: Ensemble) -> Chart:
    return write_chart(folder / "chart.tiff", ensemble.bundle.classes, ensemble.bundle.geometry)


@pytest.fixture(scope="module")
def phantom(folder: Path) -> tuple[Path, PhantomTruth]:
    path = folder / "phantom.tiff"
    return path, write_phantom(path, width=4096, height=3072)


@pytest.fixture
def drawn(chart: Chart) -> Iterator[Drawn]:
    opened = Drawn(chart)
    yield opened
    opened.reader.close()
