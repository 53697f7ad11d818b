"""Known errors: what went wrong, in which file, what to do.

Whatever is not a `BachviewError` and reaches the border of the program is a bug: it is
logged with its trace and shown as such. Third-party exceptions are mapped to these once,
in the adapter that calls the library, with ``from``.
"""


class BachviewError(Exception):
    """Base of all known errors; its text is one sentence for the user."""


class SlideOpenError(BachviewError):
    """The file cannot be opened as a slide."""


class SlideReadError(BachviewError):
    """A part of an open slide cannot be read."""


class SlideChangedError(SlideReadError):
    """The file is no longer the one that was opened."""


class PixelSizeError(BachviewError):
    """The physical pixel size is missing or implausible, and the job needs it."""


class BundleError(BachviewError):
    """The bundle is damaged, incomplete, or not what its manifest says."""


class EngineError(BachviewError):
    """The engine or the device that was asked for is not there, or failed."""


class EngineMemoryError(EngineError, MemoryError):
    """The engine had too little memory for what it was given; less of it may do."""


class StoreError(BachviewError):
    """The results store cannot be read or written (disk full, locked, too new)."""


class ExportError(BachviewError):
    """A result cannot be written to the place that was asked for."""


class DatasetError(BachviewError):
    """The data set cannot be used as it is."""


class RecipeError(BachviewError):
    """The training recipe cannot be read, or asks for what cannot be."""


class UsageError(BachviewError):
    """The request itself makes no sense (wrong option, region outside the slide)."""


class Cancelled(Exception):  # noqa: N818  # it is not an error
    """The user asked to stop. Not an error: what was finished is kept."""
