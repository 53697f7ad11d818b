"""Known errors: what went wrong, in which file, and what to do.

Any other exception that reaches the top level is a bug: it is logged with its traceback and
reported as such. Exceptions of libraries are mapped to these once, with ``from``, in the adapter
that calls the library.
"""


class BachviewError(Exception):
    """Base of all known errors; its text is one sentence for the user."""


class SlideOpenError(BachviewError):
    """The file cannot be opened as a slide."""


class AnnotationsOpenError(SlideOpenError):
    """It is no slide, but holds annotations of one."""


class SlideReadError(BachviewError):
    """A part of an open slide cannot be read."""


class SlideChangedError(SlideReadError):
    """The file is no longer the one that was opened."""


class PixelSizeError(BachviewError):
    """The physical pixel size is missing or implausible, and the job needs it."""


class UnsuitableSlideError(BachviewError):
    """The slide is not what the model was trained on, so its classes would be invented.

    Attributes
    ----------
    sentences : what was measured, one sentence for each reason.
    """

    def __init__(self, sentences: tuple[str, ...], what: str = "slide") -> None:
        """Keep the sentences.

        Parameters
        ----------
        what : what it is to be called: a photo is a small slide.
        """
        self.sentences = sentences
        reasons = " ".join(sentences)
        super().__init__(f"Not classified: {reasons} {self.advice(what)}")

    @staticmethod
    def advice(what: str = "slide") -> str:
        """What to do; holds for each of the reasons."""
        return (
            f"Look at the {what}; if it is sharp H&E and its pixel size is right, classify it "
            "anyway."
        )


class OutsideTrainingError(UnsuitableSlideError):
    """Most of the photo is unlike everything that the model was trained on."""


class NoTissueError(BachviewError):
    """The photo shows no H&E tissue, so it has no class.

    Attributes
    ----------
    sentences : what was measured.
    """

    def __init__(self, sentences: tuple[str, ...]) -> None:
        self.sentences = sentences
        super().__init__(f"No H&E tissue: {' '.join(sentences)}")


class BundleError(BachviewError):
    """The bundle is damaged, incomplete, or not what its manifest says."""


class EngineError(BachviewError):
    """The requested engine or device is missing, or failed."""


class EngineMemoryError(EngineError, MemoryError):
    """The engine ran out of memory; a smaller batch may fit."""


class StoreError(BachviewError):
    """The results store cannot be read or written (disk full, locked, too new)."""


class ExportError(BachviewError):
    """A result cannot be written to the requested place."""


class AnnotationError(BachviewError):
    """A file of annotations cannot be read, or holds nothing that can be used."""


class DatasetError(BachviewError):
    """The data set cannot be used."""


class RecipeError(BachviewError):
    """The training recipe cannot be read, or asks for something impossible."""


class UsageError(BachviewError):
    """The request makes no sense (wrong option, region outside the slide)."""


class LockedError(UsageError):
    """The administrator's policy does not allow it."""


class PolicyError(BachviewError):
    """The administrator's policy file cannot be read or makes no sense."""


class Cancelled(Exception):  # noqa: N818  # it is not an error
    """The user asked to stop. Not an error: finished work is kept."""
