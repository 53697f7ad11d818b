"""What is asked before slides are closed of which something would be lost."""

from collections.abc import Sequence

from bachview.core.units import whole_percent_text
from bachview.ui.session.document import Document
from bachview.ui.session.run_status import RunState

#: Characters; of longer names the beginning and the end are shown.
_HALF_NAME = 18


def goes_on(document: Document) -> bool:
    """Whether closing the slide would end a run. One that is being cancelled ends anyway."""
    status = document.run.status
    return status.is_active and status.state is not RunState.STOPPING


def needs_question(document: Document) -> bool:
    """Whether closing the slide would end a run or an export, or lose what could not be saved."""
    return goes_on(document) or document.is_exporting or bool(document.marks.lost_at_close)


def closing_question(documents: Sequence[Document], *, what: str) -> str:
    """What is kept of the work on `documents` (at least one), and whether to close `what`."""
    kept = [f"{_short(document.title)} {_kept(document)}" for document in documents]
    found = f"{kept[0]}. "
    if len(kept) > 1:
        found = "\n".join((f"{len(kept)} slides are not finished:", "", *kept, "", ""))
    loses_all = all(each.results.is_temporary for each in documents if goes_on(each))
    return f"{found}Close {what}?{'' if loses_all else ' A later run goes on from there.'}"


def staying_text(documents: Sequence[Document]) -> str:
    """The answer that closes nothing."""
    if any(map(goes_on, documents)):
        return "Keep classifying"
    return "Keep exporting" if any(each.is_exporting for each in documents) else "Keep it open"


def _kept(document: Document) -> str:
    """What is done of a run, that an export will not be written, and what could not be saved."""
    parts = []
    if goes_on(document):
        parts.append(_kept_of_run(document))
        if document.is_exporting:
            parts.append("no file of its export will be written")
    elif document.is_exporting:
        parts.append("is being exported: no file of that will be written")
    if lost := document.marks.lost_at_close:
        parts.append(f"has changes of {lost} that could not be saved, and will be lost")
    return "; ".join(parts)


def _kept_of_run(document: Document) -> str:
    """E.g. ``is being classified: 37 % of this run is done and saved``."""
    status = document.run.status
    progress = status.progress
    if progress is None or not progress.total:
        return "is about to be classified; what was done before is kept"
    doing = "is paused" if status.state is RunState.PAUSED else "is being classified"
    done = f"{whole_percent_text(progress.done / progress.total)} of this run is done"
    if document.results.is_temporary:
        return f"{doing}: {done} but cannot be saved, and will be lost"
    return f"{doing}: {done} and saved"


def _short(name: str) -> str:
    """A name that fits a line of the question."""
    if len(name) <= 2 * _HALF_NAME:
        return name
    return f"{name[:_HALF_NAME]}…{name[-_HALF_NAME:]}"
