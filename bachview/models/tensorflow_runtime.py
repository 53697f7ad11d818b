"""The one door to TensorFlow and Keras: imported quietly, their absence mapped."""

import logging
import os
from typing import Any

from bachview.errors import EngineError


def tensorflow() -> Any:
    """The ``tensorflow`` package. Any thread; takes up to ten seconds once.

    Raises
    ------
    EngineError
        It is not installed.
    """
    _quieten()
    try:
        import tensorflow
    except ImportError as error:
        raise EngineError(
            "This needs TensorFlow, which is not installed: choose the openvino engine, or "
            "install bachview[tensorflow]."
        ) from error
    return tensorflow


def keras() -> Any:
    """The ``keras`` package on whichever backend ``KERAS_BACKEND`` names. Any thread.

    Raises
    ------
    EngineError
        Keras or its backend is not installed.
    """
    _quieten()
    try:
        import keras
    except ImportError as error:
        raise EngineError(
            "Training needs Keras on TensorFlow, JAX or torch, and "
            f"{error.name or 'one of them'} is not installed: install bachview[tensorflow]."
        ) from error
    return keras


def _quieten() -> None:
    # Start-up notes, and advice to whoever writes loops, would stand between our own lines.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
