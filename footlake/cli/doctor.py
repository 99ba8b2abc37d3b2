"""Options and help text of doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("doctor")
@pass_cli
def command(cli: CliContext) -> None:
    """Check the system: packages, credentials, permissions, quotas, settings, the API key and the database.

    To check the data instead, use check. Each problem is shown with what to do about it. The command changes nothing
    and exits with code 1 if there is a problem.
    """
    from footlake.commands import doctor

    doctor.run(cli)
