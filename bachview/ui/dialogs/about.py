"""The about box, also shown at the first start."""

from PySide6.QtCore import QSize, Qt, qVersion
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStyle, QVBoxLayout, QWidget

from bachview.build_info import build_info
from bachview.config import RESEARCH_USE
from bachview.policy.in_force import in_force
from bachview.policy.values import LOCKED_TEXT
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.dialogs.licences_dialog import LicencesDialog
from bachview.ui.dialogs.modal import show
from bachview.ui.dialogs.model_card_dialog import ModelCardDialog
from bachview.ui.look.icons import application_icon
from bachview.ui.look.spacing import APART, EDGE, NEAR, SECTION, TIGHT
from bachview.ui.look.widgets import WrappedLabel, heading, height_for, line, muted, plain, scrolled
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.settings import SettingsFile

_SCROLL_BAR = QStyle.PixelMetric.PM_ScrollBarExtent
NOTICE = (
    "bachview colours tissue by the predictions of an ensemble of classifiers. The classifiers can "
    "be wrong and have not been tested on the slides of your laboratory. Do not base decisions "
    "about a patient on them."
)
_LICENCE = (
    "Free software under the MIT licence. The models and the libraries have licences of their own."
)


class AboutDialog(LaidOutDialog):
    """Version, purpose, licence, and the bundle in use, with the way to its model card."""

    def __init__(
        self,
        bundle: BundleSummary | None,
        parent: QWidget | None = None,
        *,
        settings: SettingsFile | None = None,
    ) -> None:
        """`settings` : where the sizes of the dialogs behind its buttons are kept."""
        super().__init__("About bachview", parent, size=(640, 0))
        picture = QLabel(self)
        picture.setPixmap(application_icon().pixmap(QSize(72, 72)))
        words = QVBoxLayout()
        words.setSpacing(NEAR)
        name = QLabel("bachview", self)
        name.setObjectName("title")
        words.addWidget(name)
        words.addWidget(muted(f"Version {build_info()} · Qt {qVersion()}", self))
        research = heading(RESEARCH_USE, self)
        research.setWordWrap(True)
        words.addWidget(research)
        words.addWidget(WrappedLabel(NOTICE, self))
        policy = in_force()
        if policy.notice is not None:
            words.addWidget(plain(WrappedLabel(policy.notice, self)))
        if policy.source is not None:
            words.addWidget(plain(muted(f"{LOCKED_TEXT}: {policy.source}", self)))
        if bundle is not None:
            words.addWidget(line(self))
            model = plain(WrappedLabel("", self))
            model.setText(f"Model in use: {bundle.name} {bundle.version}")
            words.addWidget(model)
            words.addWidget(plain(muted(bundle.intended_use, self)))
        words.addWidget(line(self))
        words.addWidget(muted(_LICENCE, self))
        words.addStretch(1)
        page = QWidget(self)
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, NEAR, 0)
        row.setSpacing(SECTION)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.content.addWidget(scrolled(page), 1)
        self.add_close()
        self.licences_button = self.add_action("&Licences…")
        self.licences_button.clicked.connect(lambda: show(LicencesDialog(self), settings))
        if bundle is not None:
            self.card_button = self.add_action("&Model card…", "How the model was measured")
            self.card_button.clicked.connect(lambda: show(ModelCardDialog(bundle, self), settings))
        # The labels know their heights only at their width; the rest is the frame of the page.
        inside = self.width() - 2 * EDGE - self.style().pixelMetric(_SCROLL_BAR)
        frame = 2 * EDGE + APART + TIGHT + self.buttons.sizeHint().height()
        self.resize(self.width(), height_for(page, inside) + frame)
