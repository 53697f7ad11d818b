"""Ctrl-C ends a command whatever hangs: in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX's signals")

#: A read from a share that is gone: no signal ends it, and the main thread is inside.
STUCK_READ = """
import ctypes, sys, threading
from bachview.cli import info, interrupts

def hang(*arguments, **options):
    library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(256)
    library.pthread_mutex_init(mutex, None)
    library.pthread_mutex_lock(mutex)
    # Told when this thread is inside.
    timer = threading.Timer(1, lambda: print("hangs", flush=True))
    timer.daemon = True
    timer.start()
    library.pthread_mutex_lock(mutex)

info.show_info = hang
"""
#: A thread that hangs in such a read, left behind by a command that was cancelled.
STUCK_THREAD = """
import sys, time
from bachview.cli import info, interrupts
from bachview.jobs.lanes import Lane

def hang(*arguments, **options):
    lane = Lane("reader")
    lane.submit(lambda token: time.sleep(600))
    print("hangs", flush=True)
    try:
        time.sleep(600)
    finally:
        lane.close(0.1)

info.show_info = hang
"""
MAIN = """
sys.argv[1:] = ["info", "x.svs"]
from bachview.__main__ import main
main()
"""


def started(script: str, home: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", script + MAIN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "BACHVIEW_HOME": str(home)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "hangs\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_read_that_hangs_is_left_after_a_while(tmp_path: Path, number: signal.Signals) -> None:
    process = started(STUCK_READ + "interrupts.LONGEST_S = 0.5\n", tmp_path)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "was abandoned" in err


def test_ctrl_c_given_again_waits_less(tmp_path: Path) -> None:
    process = started(STUCK_READ + "interrupts.AGAIN_S = 0.2\n", tmp_path)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 4


def test_a_thread_that_hangs_does_not_keep_the_process(tmp_path: Path) -> None:
    process = started(STUCK_THREAD, tmp_path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert err == "Cancelled.\n"


def test_ctrl_c_while_the_program_is_imported_leaves_no_trace() -> None:
    code = """
import sys
from bachview import __main__ as entry

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "bachview.cli.main":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
entry.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, b"", b"Cancelled.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("ended", "code"), [("raise KeyboardInterrupt", 4), ("raise SystemError", 1), ("return 0", 0)]
)
def test_ctrl_c_given_again_while_the_end_is_told_leaves_no_trace(
    tmp_path: Path, number: signal.Signals, ended: str, code: int
) -> None:
    script = f"""
import os, sys
from bachview.cli import info, interrupts, main

def ends(*arguments, **options):
    {ended}

def signalled(step):
    def stepped(*arguments, **options):
        os.kill(os.getpid(), {int(number)})
        return step(*arguments, **options)
    return stepped

info.show_info = ends
main.tell = signalled(main.tell)
main.stop_logging = signalled(main.stop_logging)
"""
    done = subprocess.run(
        [sys.executable, "-c", script + MAIN],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "BACHVIEW_HOME": str(tmp_path)},
    )
    assert done.returncode == code
    assert done.stderr.count("\n") == (code != 0), done.stderr
