"""What is said when the window opens."""

from dataclasses import replace

from bachview.config import RESEARCH_USE
from bachview.policy.in_force import in_force
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.messages import Messages, Offer


def say_at_start(messages: Messages, settings: SettingsFile) -> None:
    """Say what was wrong with the settings, and until it is understood, what the program is for."""

    def note_research_use() -> None:
        settings.now = replace(settings.now, research_use_seen=True)

    if settings.notice:
        messages.problem(settings.notice)
    if not settings.now.research_use_seen:
        parts = RESEARCH_USE, "The classifiers can be wrong.", in_force().notice
        messages.notice(" ".join(filter(None, parts)), Offer("Understood", note_research_use))
