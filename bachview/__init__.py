"""bachview: a slide viewer in which an ensemble of classifiers classifies tissue.

The whole job in a notebook::

    import bachview

    with bachview.open_slide("slide.svs") as slide, bachview.load_ensemble() as ensemble:
        prediction = bachview.classify(slide, ensemble)
    print(prediction.summary())
    prediction.to_geojson("slide.geojson")

Each name is loaded when it is first used: the import itself is quick and needs neither Qt nor
TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING

from bachview.version import __version__ as __version__

if TYPE_CHECKING:
    from bachview.api.classification import classify as classify
    from bachview.api.classification import load_ensemble as load_ensemble
    from bachview.api.classification import predict_photos as predict_photos
    from bachview.api.measuring import Measurement as Measurement
    from bachview.api.measuring import evaluate as evaluate
    from bachview.api.measuring import read_dataset as read_dataset
    from bachview.api.predictions import Prediction as Prediction
    from bachview.api.slides import Slide as Slide
    from bachview.api.slides import open_slide as open_slide
    from bachview.api.teaching import KeptLesson as KeptLesson
    from bachview.api.teaching import teach as teach
    from bachview.core.geometry import Region as Region
    from bachview.errors import BachviewError as BachviewError
    from bachview.errors import Cancelled as Cancelled
    from bachview.errors import NoTissueError as NoTissueError
    from bachview.errors import UnsuitableSlideError as UnsuitableSlideError
    from bachview.jobs.tokens import CancelToken as CancelToken
    from bachview.models.ensemble import Ensemble as Ensemble
    from bachview.training.request import TrainingRequest as TrainingRequest
    from bachview.training.run import train as train

#: Public names, each with its module.
_PLACES = {
    "BachviewError": "bachview.errors",
    "CancelToken": "bachview.jobs.tokens",
    "Cancelled": "bachview.errors",
    "Ensemble": "bachview.models.ensemble",
    "KeptLesson": "bachview.api.teaching",
    "Measurement": "bachview.api.measuring",
    "NoTissueError": "bachview.errors",
    "Prediction": "bachview.api.predictions",
    "Region": "bachview.core.geometry",
    "Slide": "bachview.api.slides",
    "TrainingRequest": "bachview.training.request",
    "UnsuitableSlideError": "bachview.errors",
    "classify": "bachview.api.classification",
    "evaluate": "bachview.api.measuring",
    "load_ensemble": "bachview.api.classification",
    "open_slide": "bachview.api.slides",
    "predict_photos": "bachview.api.classification",
    "read_dataset": "bachview.api.measuring",
    "teach": "bachview.api.teaching",
    "train": "bachview.training.run",
}

__all__ = [
    "BachviewError",
    "CancelToken",
    "Cancelled",
    "Ensemble",
    "KeptLesson",
    "Measurement",
    "NoTissueError",
    "Prediction",
    "Region",
    "Slide",
    "TrainingRequest",
    "UnsuitableSlideError",
    "classify",
    "evaluate",
    "load_ensemble",
    "open_slide",
    "predict_photos",
    "read_dataset",
    "teach",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
