"""Hard-negative mining: of the negative windows of slides, those that a network takes for more.

The slides' normal tissue is mostly easy (fat, stroma). Kwok's entry to the BACH challenge (ICIAR
2018) won both parts with patches that a first network had misclassified.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bachview.core.classes import ClassSet
from bachview.files import write_text
from bachview.training.checkpoints import read_record
from bachview.training.images import TrainingImage, centre_patches

#: Share of its windows that is kept.
_KEPT: Final = 0.5
_BATCH: Final = 64


def with_hard_negatives(
    network: Any, sources: Sequence[TrainingImage], classes: ClassSet, record: Path
) -> list[TrainingImage]:
    """The sources without the easier half of the negative windows; photos all stay.

    Parameters
    ----------
    network : as fitted so far; classifies the centre of each window.
    record : remembers the choice, so that a resumed training keeps it.
    """
    label = classes.negative_label
    places = [i for i, s in enumerate(sources) if s.is_window and s.label == label]
    if not places:
        return list(sources)
    if record.is_file():
        dropped = read_record(record, _places)
    else:
        patches = centre_patches([sources[i] for i in places], network.input_shape[1])
        answers = np.concatenate(
            [
                np.asarray(network.predict_on_batch(patches[at : at + _BATCH]))
                for at in range(0, len(patches), _BATCH)
            ]
        )
        easiest = np.argsort(-answers[:, label], kind="stable")
        dropped = {places[i] for i in easiest[: len(places) - round(len(places) * _KEPT)]}
        write_text(record, json.dumps(sorted(dropped)))
    return [source for i, source in enumerate(sources) if i not in dropped]


def _places(document: Any) -> set[int]:
    if not isinstance(document, list) or not all(type(place) is int for place in document):
        raise ValueError("it is not a list of integers")
    return set(document)
