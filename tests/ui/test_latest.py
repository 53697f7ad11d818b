"""Of work off the GUI thread only the latest request counts."""

import threading

from pytestqt.qtbot import QtBot

from bachview.ui.view.latest import Latest


def test_requests_that_were_replaced_are_left_out(qtbot: QtBot) -> None:
    go_on, worked, answered = threading.Event(), list[int](), list[int]()

    def work(request: int) -> int:
        worked.append(request)
        assert go_on.wait(30)
        return -request

    latest: Latest[int, int] = Latest("test", work, lambda _, answer: answered.append(answer))
    latest.want(1)
    qtbot.waitUntil(lambda: worked == [1])
    for request in (2, 3):
        latest.want(request)
    go_on.set()
    qtbot.waitUntil(lambda: latest.is_idle)
    assert (worked, answered) == ([1, 3], [-1, -3])
    assert latest.close()


def test_a_failure_is_reported_and_the_next_request_is_answered(qtbot: QtBot) -> None:
    answered: list[float] = []
    latest: Latest[int, float] = Latest(
        "test", lambda request: 1 / request, lambda _, answer: answered.append(answer)
    )
    with qtbot.captureExceptions() as raised:
        latest.want(0)
        qtbot.waitUntil(lambda: bool(raised))
    assert raised[0][0] is ZeroDivisionError
    latest.want(4)
    qtbot.waitUntil(lambda: answered == [0.25])
    assert latest.is_idle
    assert latest.close()
