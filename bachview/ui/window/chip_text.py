"""The words of the chip on a slide."""

from bachview.core.scope import WHOLE_SLIDE, coverage_text
from bachview.core.summary import Summary
from bachview.ui.session.document import Document
from bachview.ui.view.scope_chip import NOT_CLASSIFIED, ChipText


def chip_text(document: Document, summary: Summary | None) -> ChipText:
    """What is true of the colours on a slide.

    Parameters
    ----------
    summary : of the whole slide; None without a prediction.
    """
    bundle = document.bundle
    if summary is None or bundle is None:
        return NOT_CLASSIFIED
    scope = f"{WHOLE_SLIDE} · {coverage_text(summary)}"
    if document.warnings is None:
        scope += " · not checked before classification"
    warning = f"Classified although: {document.warnings[0]}" if document.warnings else ""
    details = [
        *(f"Classified although: {sentence}" for sentence in document.warnings or ()),
        scope,
        f"Model {bundle.name} {bundle.version}",
        bundle.measured or "The model does not state how often it was right.",
        bundle.intended_use,
    ]
    # Without the interval in brackets, which stands in the legend and the tool tip.
    measured = bundle.measured.partition(" (")[0].rstrip(".") or "not stated how often it is right"
    return ChipText(scope, bundle.name, measured, warning, "\n".join(details))
