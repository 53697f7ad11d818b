"""Which class people mean by a text: the same for annotations on the screen and for training."""

import re

from bachview.core.classes import ClassSet

#: Words that turn "invasive" into its opposite.
_NEGATIONS = (" non ", " not ", " no ", " nao ")


def class_of_text(text: str, classes: ClassSet) -> int | None:
    """Index of the one class that `text` names in whole words; None for none or several.

    "Invasive carcinoma" and "carcinoma invasive" are the same; "non-invasive" and "abnormal"
    do not name a class.
    """
    words = " " + " ".join(re.findall(r"[^\W_]+", text.casefold())) + " "
    if any(negation in words for negation in _NEGATIONS):
        return None
    found = {
        index
        for index, one in enumerate(classes)
        for name in (one.key, one.name)
        if f" {name.casefold()} " in words
    }
    return found.pop() if len(found) == 1 else None
