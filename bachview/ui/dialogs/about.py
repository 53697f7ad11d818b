"""The about box, also shown at the first start."""

from PySide6.QtCore import QSize, Qt, qVersion
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from bachview.build_info import build_info
from bachview.config import RESEARCH_USE
from bachview.policy.in_force import in_force
from bachview.policy.values import LOCKED_TEXT
from bachview.ui.dialogs.licences_dialog import LicencesDialog
from bachview.ui.dialogs.modal import show
from bachview.ui.look.icons import application_icon
from bachview.ui.look.spacing import EDGE, NEAR
from bachview.ui.look.widgets import WrappedLabel, dialog_column, heading, line, muted, plain
from bachview.ui.session.bundles import BundleSummary

NOTICE = (
    "bachview colours tissue by the predictions of an ensemble of classifiers. The classifiers can "
    "be wrong and have not been tested on the slides of your laboratory. Do not base decisions "
    "about a patient on them."
)
_LICENCE = (
    "Free software under the MIT licence. The models and the libraries have licences of their own."
)


class AboutDialog(QDialog):
    """Version, purpose, licence, and the bundle in use with its model card."""

    def __init__(self, bundle: BundleSummary | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About bachview")
        picture = QLabel(self)
        picture.setPixmap(application_icon().pixmap(QSize(72, 72)))
        words = QVBoxLayout()
        words.setSpacing(NEAR)
        title = QLabel("bachview", self)
        title.setObjectName("title")
        words.addWidget(title)
        words.addWidget(muted(f"Version {build_info()} · Qt {qVersion()}", self))
        words.addWidget(heading(RESEARCH_USE, self))
        words.addWidget(WrappedLabel(NOTICE, self))
        policy = in_force()
        if policy.notice is not None:
            words.addWidget(plain(WrappedLabel(policy.notice, self)))
        if policy.source is not None:
            words.addWidget(plain(muted(f"{LOCKED_TEXT}: {policy.source}", self)))
        words.addWidget(muted(_LICENCE, self))
        head = QHBoxLayout()
        head.setSpacing(EDGE)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        column = dialog_column(self)
        column.addLayout(head)
        if bundle is not None:
            column.addWidget(line(self))
            name = f"Model in use: {bundle.name} {bundle.version}"
            column.addWidget(plain(heading(name, self)))
            column.addWidget(plain(muted(bundle.intended_use, self)))
            card = QTextBrowser(self)
            card.setOpenLinks(False)  # no network
            card.setMarkdown(bundle.model_card)
            card.setMinimumHeight(160)
            column.addWidget(card, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        self.licences_button = buttons.addButton(
            "&Licences…", QDialogButtonBox.ButtonRole.ActionRole
        )
        self.licences_button.setAutoDefault(False)
        self.licences_button.clicked.connect(lambda: show(LicencesDialog(self)))
        column.addWidget(buttons)
        self.resize(600, 520 if bundle else 300)
