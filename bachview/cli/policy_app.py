"""``bachview policy``: show what the administrator has set, and check a policy file."""

from pathlib import Path
from typing import Annotated

import typer

from bachview.cli.common_options import AsJson

policy_app = typer.Typer(name="policy", help="Show or check the administrator's policy.")


@policy_app.callback(invoke_without_command=True)
def show(context: typer.Context, as_json: AsJson = False) -> int:
    """Show what the administrator of this computer has set and locked, and in which file.

    Exit code 3 if there is a policy with something wrong in it; every other command refuses to work
    then.

    \b
      bachview policy
      bachview policy check policy.toml
    """  # noqa: D301
    if context.invoked_subcommand is not None:
        return 0
    from bachview.cli.policy import show_policy

    return show_policy(as_json=as_json)


@policy_app.command("check")
def check_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy file, not yet in force.")],
    as_json: AsJson = False,
) -> int:
    """Check a policy file, and show what it would set on this computer.

    Exit code 3 if something in it is wrong.

    \b
      bachview policy check policy.toml
    """  # noqa: D301
    from bachview.cli.policy import check_policy

    return check_policy(file, as_json=as_json)
