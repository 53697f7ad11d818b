"""The only place that imports TensorFlow and Keras: quietly, and with errors mapped."""

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from bachview.build_info import is_frozen
from bachview.errors import EngineError

#: A line of absl's log, e.g. ``I0000 00:00:1795.9 29757 port.cc:153] oneDNN ... are on.``
_NOTE = re.compile(rb"[IWE]\d{4} \d\d:\d\d:|WARNING: All log messages before absl")


def tensorflow() -> Any:
    """The ``tensorflow`` package. Any thread; takes up to ten seconds once.

    Raises
    ------
    EngineError
        It is not installed.
    """
    try:
        with _without_notes():
            import tensorflow

            # Looking for devices writes notes as well; after that there are none.
            tensorflow.config.list_physical_devices()
    except ImportError as error:
        raise EngineError(
            "This needs TensorFlow, which is not installed: choose the openvino engine, or "
            f"{_advice()}."
        ) from error
    return tensorflow


def keras() -> Any:
    """The ``keras`` package on whichever backend ``KERAS_BACKEND`` names. Any thread.

    Raises
    ------
    EngineError
        Keras or its backend is not installed.
    """
    try:
        with _without_notes():
            import keras

        if keras.backend.backend() == "tensorflow":
            tensorflow()
    except ImportError as error:
        raise EngineError(
            "Training needs Keras on TensorFlow, JAX or torch, and "
            f"{error.name or 'one of them'} is not installed: {_advice()}."
        ) from error
    return keras


def _advice() -> str:
    """What to install; the program of an installer cannot be added to."""
    if is_frozen():
        return (
            "install Python and, with pip, bachview[tensorflow] beside this program, and give the "
            "same command there"
        )
    return "install bachview[tensorflow]"


@contextlib.contextmanager
def _without_notes() -> Iterator[None]:
    """Keep TensorFlow's start-up notes off standard error; other output stays.

    Its C++ part writes them before it reads any setting, so the stream itself is redirected
    meanwhile.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Advice for developers is of no use to whoever runs a command.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "tensorflow" in sys.modules:
        yield
        return
    try:
        kept = os.dup(2)
    except OSError:  # a program without a console has no such stream
        yield
        return
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            aside.seek(0)
            rest = [line for line in aside if not _NOTE.match(line)]
            os.write(2, b"".join(rest))
