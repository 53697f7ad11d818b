"""What was said in a session: how often, whether it was read, and whether it is still true."""

import pytest

from bachview.ui.window.messages import Message, Messages, Offer


@pytest.fixture
def messages() -> Messages:
    return Messages()


def test_the_same_text_twice_is_one_message_with_a_count(messages: Messages) -> None:
    messages.problem("a.svs is damaged.")
    messages.notice("Saved.")
    messages.problem("a.svs is damaged.")
    assert messages.texts == ("Saved.", "a.svs is damaged.")
    assert messages.all[-1].shown_text == "a.svs is damaged. (2 times)"


def test_said_again_it_comes_back(messages: Messages) -> None:
    first = messages.notice("Busy.")
    messages.close(first)
    assert messages.unread == 0
    assert messages.notice("Busy.") is first
    assert (messages.texts, messages.unread) == (("Busy.",), 1)


def test_what_was_missed_is_counted(messages: Messages) -> None:
    closed, faded, ended = (messages.notice(text) for text in ("one", "two", "three"))
    messages.close(closed)
    messages.fade(faded)
    ended.withdraw()
    assert messages.texts == ()
    assert messages.unread == 1
    messages.mark_read()
    assert messages.unread == 0
    assert [message.text for message in messages.all] == ["one", "two", "three"]
    assert [message.is_over for message in messages.all] == [False, False, True]


def test_a_question_is_answered_once_and_an_offer_can_be_taken_again(messages: Messages) -> None:
    done: list[str] = []
    question = Offer("Resume", lambda: done.append("resume"))
    folder = Offer("Open folder", lambda: done.append("folder"), is_question=False)
    asked, told = messages.notice("Interrupted.", question), messages.notice("Written.", folder)
    assert (asked.stays, told.stays) == (True, False)
    messages.answer(asked, question)
    messages.answer(told, folder)
    messages.answer(told, folder)
    assert done == ["resume", "folder", "folder"]
    assert (asked.offers, told.offers) == ((), (folder,))


def test_messages_of_a_long_day_are_not_all_kept(messages: Messages) -> None:
    first = messages.problem("This stays open.")
    for number in range(400):
        messages.fade(messages.notice(f"notice {number}"))
    assert len(messages.all) == 200
    assert messages.all[0] is first
    assert messages.all[-1].text == "notice 399"


def test_nobody_is_told_of_what_does_not_change(messages: Messages) -> None:
    told: list[Message] = []
    message = messages.notice("once")
    message.withdraw()
    messages.changed.connect(lambda: told.append(message))
    message.withdraw()
    messages.withdraw("never said")
    messages.mark_read()
    assert told == []
