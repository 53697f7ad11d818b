"""The log file: one, and no trouble where it cannot be written."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bachview.logs import LOG_NAME, start_logging, stop_logging


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    root = logging.getLogger("bachview")
    level, handlers = root.level, list(root.handlers)
    yield
    stop_logging()
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)


def test_records_go_to_one_file_however_often_it_is_started(tmp_path: Path) -> None:
    for _ in range(2):
        path = start_logging(tmp_path / "logs")
    logging.getLogger("bachview.test").info("hello")
    stop_logging()
    assert path.read_text().count("hello") == 1


def test_a_log_that_cannot_be_written_is_said_once_and_troubles_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], expects_log: pytest.LogCaptureFixture
) -> None:
    (tmp_path / LOG_NAME).mkdir()  # in the way: also for root, who may write everywhere
    start_logging(tmp_path)
    for _ in range(3):
        logging.getLogger("bachview.test").info("hello")
    assert "Traceback" not in capfd.readouterr().err
    assert expects_log.text.count("cannot be written") == 1
