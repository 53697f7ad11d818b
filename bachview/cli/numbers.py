"""Numbers among the options: a decimal comma is read, what can be misread is refused."""

import typer

from bachview.core.typed_numbers import stated_number
from bachview.errors import UsageError


def number(text: str) -> float:
    """The ``parser`` of an option; see `stated_number`.

    Raises
    ------
    typer.BadParameter
        With the sentence of `stated_number`.
    """
    try:
        return stated_number(text)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from error
