"""The one door to TensorFlow: imported quietly, its absence mapped."""

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
    # Its start-up notes would stand between the lines of our own output.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow
    except ImportError as error:
        raise EngineError(
            "This needs TensorFlow, which is not installed: choose the openvino engine, or "
            "install bachview[tensorflow]."
        ) from error
    return tensorflow
