"""A measured figure and its budget."""

from collections.abc import Callable
from dataclasses import dataclass

from bachview.bench.budgets import budget_for

#: Shows one line of what a benchmark is doing at the moment.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """One measured figure.

    Attributes
    ----------
    benchmark : e.g. ``pan``.
    case : what was measured under which conditions, e.g. ``1920x1080, classifying, p99``.
    value : the figure, in `unit`.
    unit : e.g. ``ms``, ``s``, ``patches/s``, ``x``, ``GB``, ``frames``.
    budget : the limit in the same unit; None if there is none.
    ok : whether the budget is met; None if there is none.
    """

    benchmark: str
    case: str
    value: float
    unit: str
    budget: float | None
    ok: bool | None


def graded(benchmark: str, case: str, value: float, unit: str) -> Result:
    """Result with its budget from the table in `bench.budgets`, if there is one.

    `value` may be a numpy scalar; the result contains plain Python values, as required by JSON.
    """
    value = float(value)
    budget = budget_for(benchmark, case)
    if budget is None:
        return Result(benchmark, case, value, unit, None, None)
    return Result(benchmark, case, value, unit, budget.limit, budget.is_kept_by(value))
