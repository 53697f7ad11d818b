"""What is asked before slides are closed that are being classified or exported."""

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


def is_at_work(document: Document) -> bool:
    """Whether closing the slide would end a run or an export."""
    return goes_on(document) or document.is_exporting


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
    return "Keep classifying" if any(map(goes_on, documents)) else "Keep exporting"


def _kept(document: Document) -> str:
    """What is done of a run, and that an export will not be written."""
    if not document.is_exporting:
        return _kept_of_run(document)
    if not goes_on(document):
        return "is being exported: no file of that will be written"
    return f"{_kept_of_run(document)}; no file of its export will be written"


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
