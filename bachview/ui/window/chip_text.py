"""The words of the chip on a slide: those of every exported file, shortened."""

from dataclasses import replace

from bachview.core.pixel_size import contradiction_text
from bachview.core.scope import Statement, coverage_text, scope_text
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
    if summary is None and document.unknown:
        return ChipText(document.unknown, details=document.unknown)
    if bundle is None:
        return NOT_CLASSIFIED
    if summary is None:
        why = f"No results of the model {bundle.name} with this pixel size."
        if not document.pixel_size.is_plausible:
            why = "The pixel size of the slide is not known."
        if document.others:
            why += f"\nThere are results of {document.others}: Classify → Results…"
        return replace(NOT_CLASSIFIED, details=why)
    size, warnings = document.pixel_size, document.warnings
    statement = Statement(
        summary,
        size,
        bundle.name,
        bundle.measured,
        warnings,
        contradiction=contradiction_text(document.metadata.pixel_size, size),
        picture=document.metadata.stack.shown_text,
    )
    scope = f"{scope_text(summary.region, size)} · {coverage_text(summary)}"
    if statement.picture:
        scope = f"{statement.picture.capitalize()} · {scope}"
    if size.remark:
        scope += f" · {size.text} per pixel{size.remark}"
    if warnings is None:
        scope += " · not checked before classification"
    # Without the interval in brackets, which stands in the legend and the tool tip.
    measured = bundle.measured.partition(" (")[0].rstrip(".") or "not stated how often it is right"
    details = (statement.warning, *statement.facts.split(" · "), bundle.intended_use)
    return ChipText(
        scope,
        bundle.name,
        measured,
        statement.warning,
        "\n".join(detail for detail in details if detail),
    )
