"""Options and help text of policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("policy")
@click.option("--weekly", is_flag=True, help="Only the permissions for training, run-week, its steps and the report.")
@click.option("--boundary", is_flag=True, help="The permissions boundary of the lake's roles, for an administrator.")
@click.option(
    "--split",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the policy to this folder, in parts that fit into managed policies.",
)
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Print the IAM policy needed to run footlake.

    The policy covers every command, or with --weekly only the commands of the weekly work, which create no resources
    except models. The complete policy exceeds the size limit of AWS: --split writes several policies, which must all be
    attached.

    The policy lets its owner give roles only what the lake's permissions boundary allows. It does not permit writing
    the boundary: an administrator runs bootstrap first, or stores the output of --boundary as a managed policy.
    """
    from footlake.commands import policy

    policy.run(cli, **options)
