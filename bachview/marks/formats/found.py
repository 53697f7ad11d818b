"""What reading or writing a file of annotations gave, with what is to be said about it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation


class Note(Enum):
    """What happened to some annotations, as a sentence: of one, and of several."""

    NO_SHAPE = (
        "1 object was left out, as it has no shape.",
        "{} objects were left out, as they have no shape.",
    )
    BAD_POINT = (
        "1 object was left out, as a point of it is no number or lies far outside.",
        "{} objects were left out, as a point of them is no number or lies far outside.",
    )
    TOO_SMALL = (
        "1 object was left out, as it has too few points for its kind or encloses no area.",
        "{} objects were left out, as they have too few points for their kind or enclose no area.",
    )
    NOT_KNOWN = (
        "1 object was left out, as its kind is not known.",
        "{} objects were left out, as their kind is not known.",
    )
    BROKEN = (
        "1 object was left out, as it is not written as the format asks.",
        "{} objects were left out, as they are not written as the format asks.",
    )
    MENDED = (
        "1 outline crossed itself and was mended.",
        "{} outlines crossed themselves and were mended.",
    )
    DIVIDED = (
        "1 object with several kinds of shape became an annotation for each.",
        "{} objects with several kinds of shape became an annotation for each.",
    )
    OUTSIDE = (
        "1 annotation lies outside of the slide; it was kept.",
        "{} annotations lie outside of the slide; they were kept.",
    )
    SAME_ID = (
        "1 annotation got another id, as an earlier one of the file has the same.",
        "{} annotations got another id, as earlier ones of the file have the same.",
    )
    CUTS_NOTHING = (
        "1 negative region was left out, as it cuts nothing.",
        "{} negative regions were left out, as they cut nothing.",
    )
    CUT_AWAY = (
        "1 region was left out, as negative regions cover it.",
        "{} regions were left out, as negative regions cover them.",
    )
    NOT_WRITTEN = (
        "1 annotation was left out, as the format has nothing like it.",
        "{} annotations were left out, as the format has nothing like them.",
    )
    REDUCED = (
        "1 annotation lost its type, measurements, nucleus, plane or channel: the format has none.",
        "{} annotations lost type, measurements, nucleus, plane or channel: the format has none.",
    )
    OTHERS_LOST = (
        "1 annotation lost what another program had written beside it.",
        "{} annotations lost what another program had written beside them.",
    )
    CHARACTERS = (
        "1 annotation lost characters of its texts that the format has no place for.",
        "{} annotations lost characters of their texts that the format has no place for.",
    )
    NO_NUMBER = (
        "1 measured value was left out, as it is no number.",
        "{} measured values were left out, as they are no numbers.",
    )
    AS_OUTLINE = (
        "1 annotation was written as a plain outline, as the format has nothing like it.",
        "{} annotations were written as plain outlines, as the format has nothing like them.",
    )


class Remarks:
    """Collects what is to be said. One thread."""

    def __init__(self) -> None:
        self._counts: Counter[Note] = Counter()
        self._others: list[str] = []

    def note(self, note: Note, count: int = 1) -> None:
        """Count that this happened."""
        self._counts[note] += count

    def say(self, sentence: str) -> None:
        """A sentence about the file as a whole."""
        self._others.append(sentence)

    @property
    def sentences(self) -> tuple[str, ...]:
        """About the file, then one for each thing that happened."""
        counted = (
            note.value[0] if count == 1 else note.value[1].format(f"{count:,}")
            for note in Note
            if (count := self._counts[note])
        )
        return (*self._others, *counted)


@dataclass(frozen=True, slots=True)
class Found:
    """The annotations of a file.

    Attributes
    ----------
    annotations : in the file's order, each with another id.
    sentences : what was left out, mended or doubtful.
    """

    annotations: tuple[Annotation, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """Tells how far reading or writing is, and asks whether to go on. The reader's thread.

    Attributes
    ----------
    token : None if it cannot be cancelled.
    told : called with the units done and their total.
    """

    token: CancelToken | None = None
    told: Callable[[int, int], object] | None = None

    def step(self, done: int, total: int) -> None:
        """Call between units of work.

        Raises
        ------
        Cancelled
            The token was cancelled.
        """
        if self.token is not None:
            self.token.check()
        if self.told is not None:
            self.told(done, total)


#: Watches nothing.
UNWATCHED = Watch()
