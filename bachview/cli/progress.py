"""Progress on standard error: a bar on a terminal, an occasional line elsewhere."""

import contextlib
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bachview.core.units import duration_text
from bachview.jobs.progress import Progress, RateMeter

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

_LINE_EVERY_S = 10.0


def progress_text(progress: Progress, unit: str) -> str:
    """E.g. ``1,200 of 8,000 cells, 64.2/s, 1 min 46 s left``."""
    text = f"{progress.done:,} of {progress.total:,} {unit}"
    if progress.rate > 0:
        text += f", {progress.rate:,.1f}/s, {duration_text(progress.remaining_s)} left"
    return text


class ProgressLine:
    """Context that shows the progress of a job, its rate and the remaining time.

    Not thread-safe. Nothing is shown for jobs that end within a second.
    """

    def __init__(self, title: str, unit: str) -> None:
        self._title = title
        self._unit = unit
        self._meter: RateMeter | None = None
        self._bar: Bar | None = None
        self._begun = self._told = time.monotonic()

    def update(self, done: int, total: int) -> None:
        if self._meter is None or self._meter.total != total:
            self._meter = RateMeter(total, done)
        self.show(self._meter.advance(done - self._meter.done))

    def show(self, progress: Progress) -> None:
        """Show progress whose rate was measured elsewhere."""
        now = time.monotonic()
        if sys.stderr.isatty():
            if now - self._begun > 1:
                self._draw(progress)
        elif now - self._told > _LINE_EVERY_S:
            self._told = now
            sys.stderr.write(f"{self._title}: {progress_text(progress, self._unit)}\n")
            sys.stderr.flush()

    def _draw(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = _make_bar()
            self._bar.start()
            self._bar.add_task(self._title, total=progress.total, text="")
        now = time.monotonic()
        if now - self._told > 0.1 or progress.done >= progress.total:
            self._told = now
            self._bar.update(
                self._bar.task_ids[0],
                completed=progress.done,
                total=progress.total,
                text=progress_text(progress, self._unit),
                refresh=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


@contextlib.contextmanager
def spinning(title: str) -> Iterator[None]:
    """Show, on a terminal, that something without countable steps is going on."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(title):
        yield


def _make_bar() -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TaskProgressColumn(),
        TextColumn("{task.fields[text]}"),
        console=Console(stderr=True),
        transient=True,
        # Drawn when we ask: no thread of its own.
        auto_refresh=False,
    )
