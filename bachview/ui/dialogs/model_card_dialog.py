"""Help → Model card: training data, measurements and limits of the model in use."""

from PySide6.QtGui import (
    QBrush,
    QColor,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QTextBrowser, QWidget

from bachview.file_names import printable
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.spacing import EDGE, NEAR, TIGHT
from bachview.ui.session.bundles import BundleSummary


class ModelCardDialog(LaidOutDialog):
    """The card as a page to read, as high as the screen allows. It follows no links."""

    def __init__(self, bundle: BundleSummary, parent: QWidget | None = None) -> None:
        title = printable(f"Model card of {bundle.name} {bundle.version}")
        super().__init__(title, parent, size=(820, None))
        self.card = QTextBrowser(self)
        self.card.setAccessibleName("Model card")
        self.card.setOpenLinks(False)  # no network
        self.card.document().setDocumentMargin(EDGE)
        self.card.setMarkdown(bundle.model_card)
        lay_out_markdown(self.card.document(), self.palette().mid().color())
        self.content.addWidget(self.card, 1)
        self.add_close()
        self.card.setFocus()


def lay_out_markdown(document: QTextDocument, line: QColor) -> None:
    """Give Markdown, which Qt sets solid, room between its lines, and tables thin lines."""
    block = document.begin()
    while block.isValid():
        cursor = QTextCursor(block)
        form = block.blockFormat()
        if form.headingLevel():
            form.setTopMargin(EDGE if form.headingLevel() > 1 else 0)
            form.setBottomMargin(TIGHT)
        elif cursor.currentTable() is None:
            form.setLineHeight(130, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            if block.textList() is None:
                form.setBottomMargin(NEAR)
        cursor.setBlockFormat(form)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _rule(frame, line)


def _rule(table: QTextTable, line: QColor) -> None:
    form = table.format().toTableFormat()
    form.setBorder(1)
    form.setBorderCollapse(True)
    form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBorderBrush(QBrush(line))
    form.setCellPadding(TIGHT)
    form.setCellSpacing(0)
    form.setTopMargin(NEAR)
    form.setBottomMargin(EDGE)
    form.setWidth(QTextLength(QTextLength.Type.VariableLength, 0))
    table.setFormat(form)
