"""``bachview bench``: the speed budgets on this machine."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bachview.bench.result import Result
from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, print_table, tell
from bachview.config import user_folders
from bachview.files import write_text


def run(names: Sequence[str], *, as_json: bool, output: Path | None) -> int:
    """Run benchmarks; print a table or the JSON document.

    A missed budget is a finding, not a failure: the exit code stays 0.

    Raises
    ------
    UsageError
        A name is not that of a benchmark.
    ExportError
        `output` cannot be written.
    """
    # Frames are measured offscreen unless the caller chose a platform.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from bachview.bench.budgets import budget_for
    from bachview.bench.suite import run as run_suite
    from bachview.machine import machine

    results: list[Result] = []
    interrupted = False
    with clean_stdout():
        try:
            for result in run_suite(names, _say, user_folders().cache / "bench"):
                results.append(result)
                tell(_line(result))
        except KeyboardInterrupt:
            interrupted = True
            tell("Cancelled. The figures so far:")
    document = {"machine": machine(), "results": [asdict(result) for result in results]}
    if output is not None:
        write_text(output, json.dumps(document, indent=2) + "\n")
    if as_json:
        print_json(document)
    else:
        rows = []
        for result in results:
            budget = budget_for(result.benchmark, result.case)
            rows.append(
                (
                    result.benchmark,
                    result.case,
                    f"{result.value:,.4g} {result.unit}",
                    f"{budget.side} {budget.limit:g}" if budget else "",
                    {True: "ok", False: "MISSED", None: ""}[result.ok],
                )
            )
        print_table(
            _title(document["machine"]),
            [("benchmark", False), ("case", False), ("value", True), ("budget", True), ("", False)],
            rows,
        )
    return ExitCode.CANCELLED if interrupted else ExitCode.DONE


def _say(text: str) -> None:
    if sys.stderr.isatty():
        tell(f"… {text}")


def _line(result: Result) -> str:
    verdict = {True: "  ok", False: "  MISSED", None: ""}[result.ok]
    return f"{result.benchmark}: {result.case}: {result.value:,.4g} {result.unit}{verdict}"


def _title(machine: object) -> str:
    if not isinstance(machine, dict):
        raise TypeError("the machine is a mapping")
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{' '.join(machine['flags'])}"
    )
