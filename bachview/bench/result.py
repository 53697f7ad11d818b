"""One measured figure and the budget that it is held against."""

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
    budget : the limit in the same unit; None where there is none.
    ok : whether the budget is kept; None where there is none.
    """

    benchmark: str
    case: str
    value: float
    unit: str
    budget: float | None
    ok: bool | None


def graded(benchmark: str, case: str, value: float, unit: str) -> Result:
    """Result with the budget of the table in `bench.budgets`, if that has one for it.

    `value` may be a numpy scalar; the result holds plain Python values, as JSON needs.
    """
    value = float(value)
    budget = budget_for(benchmark, case)
    if budget is None:
        return Result(benchmark, case, value, unit, None, None)
    return Result(benchmark, case, value, unit, budget.limit, budget.is_kept_by(value))
