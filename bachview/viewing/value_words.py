"""What an overlay shows, in words: the same beside the view and in pictures."""

from bachview.core.classes import ClassSet
from bachview.core.units import value_text, whole_percent_text
from bachview.viewing.style import Marks, OverlayMode, OverlayStyle

_MEANINGS = {
    OverlayMode.DISAGREEMENT: (
        "Disagreement of the members",
        "Share of pairs of members that predict different classes. 0: all agree.",
    ),
    OverlayMode.ENTROPY: (
        "Entropy",
        "0: the ensemble is certain. 1: all classes are equally likely.",
    ),
}


def value_words(style: OverlayStyle, classes: ClassSet) -> tuple[str, str]:
    """Name and meaning of the value that is shown, and from where on it is drawn."""
    if style.mode is OverlayMode.PROBABILITY:
        name = classes[style.class_index].name
        title = f"Probability of {name}"
        meaning = f"How likely {name} is: the weighted mean of the members' votes."
    else:
        title, meaning = _MEANINGS[style.mode]
    limit = "0 is transparent."
    if style.threshold:
        limit = f"Below {value_number(style, style.threshold)} nothing is drawn."
    return title, f"{meaning} {limit}"


def value_number(style: OverlayStyle, value: float) -> str:
    """A number of the ramp."""
    if style.mode is OverlayMode.PROBABILITY:
        return whole_percent_text(value)
    return value_text(value).rstrip("0").rstrip(".")


def left_out_text(style: OverlayStyle, classes: ClassSet) -> str:
    """The classes whose cells are not drawn, as a sentence; empty if there are none."""
    names = [classes[index].name for index in sorted(style.hidden_classes) if index < len(classes)]
    return f"Not drawn: cells of {', '.join(names)}." if names else ""


def picture_text(style: OverlayStyle, classes: ClassSet) -> str:
    """What colours show in a picture, and what is not drawn, in sentences."""
    if not style.is_shown:
        return "The overlay is switched off: nothing is drawn on the tissue."
    if style.mode is OverlayMode.CLASS:
        said = ["Colours show classes."]
        if style.threshold:
            limit = whole_percent_text(style.threshold)
            said.append(f"Cells whose class is less likely than {limit} are not drawn.")
        if not style.show_uncertain:
            said.append("Uncertain cells are not drawn.")
    else:
        title, meaning = value_words(style, classes)
        said = [f"Colours show: {title}. {meaning}"]
    if not style.show_pending:
        said.append("Cells that are not yet classified are not drawn.")
    said.append(left_out_text(style, classes))
    if style.marks is not Marks.NONE:
        verb = "are" if style.marks is Marks.LETTERS else "is"
        said.append(f"{style.marks.capitalize()} of classes {verb} left out of this picture.")
    return " ".join(part for part in said if part)
