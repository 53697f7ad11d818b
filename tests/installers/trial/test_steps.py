import pytest

from tools.installers.errors import InstallerError
from tools.installers.trial.steps import Trial, require


def test_a_failed_step_has_its_row_and_ends_the_trial(capsys: pytest.CaptureFixture[str]) -> None:
    trial = Trial("deb on bookworm")
    trial.step("install", lambda: "done")
    assert trial.rows[0][1] == "done"

    def remove() -> str:
        require(not trial.rows, "A file is left.")
        return "gone"

    with pytest.raises(InstallerError, match=r"A file is left\."):
        trial.step("remove", remove)
    assert not trial.is_good
    assert [(name, said, good) for name, said, _, good in trial.rows] == [
        ("install", "done", True),
        ("remove", "A file is left.", False),
    ]
    assert "FAIL" in capsys.readouterr().out
