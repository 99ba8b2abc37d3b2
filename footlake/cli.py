"""The command line: global options, the table of commands, and the one place where an exception becomes a message."""

from __future__ import annotations

import difflib
import importlib
import sys
from pathlib import Path
from typing import Any

import click

from footlake import __version__
from footlake.app import App
from footlake.errors import FootlakeError

# Name → module and help, so that `--help` imports nothing.
COMMANDS = {
    "bootstrap": ("bootstrap", "Create every resource of the lake, or repair it."),
    "ingest-fixtures": ("ingest_fixtures", "Fetch fixtures into the lake: a week, or whole seasons."),
    "ingest-stats": ("ingest_stats", "Fetch the statistics of the fixtures that were played."),
    "run-glue": ("run_glue", "Make one row per team and fixture, and crawl the lake."),
    "train-autopilot": ("train_autopilot", "Train the xGoals model with SageMaker Autopilot."),
    "transform-xgoals": ("transform_xgoals", "Score the team rows that have no expected goals yet."),
    "models": ("models", "The models that were trained, and how good each is."),
    "load-mysql": ("load_mysql", "Load fixtures, expected goals and teams into MySQL."),
    "run-week": ("run_week", "One weekly run: fixtures, statistics, Glue, xGoals, MySQL."),
    "report": ("report", "The league table, real beside expected."),
    "status": ("status", "Each resource as it is, the next runs and the last ones."),
    "policy": ("policy", "The IAM policy that whoever runs footlake needs."),
    "teardown": ("teardown", "Remove everything that footlake made."),
    "demo": ("demo", "From nothing to the league table, on the local AWS."),
    "record": ("record", "Record what API-Football answers, for the local AWS to replay."),
    "local": ("local", "The AWS on this machine: start, stop, status, clock, football."),
}


class Failure(click.ClickException):
    """A FootlakeError on its way out."""

    def __init__(self, error: FootlakeError) -> None:
        super().__init__(error.message)
        self.hint = error.hint
        self.exit_code = error.exit_code  # type: ignore[misc]

    def show(self, file: Any = None) -> None:
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)
        click.echo(f"{click.style('Error:', fg='red')} {self.message}", err=True)
        if self.hint:
            click.echo(f"  {self.hint}", err=True)


class Commands(click.Group):
    """A group that imports a command when it is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = importlib.import_module(f"footlake.commands.{module}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except FootlakeError as error:
            if ctx.params.get("debug"):
                raise
            raise Failure(error) from error
        except Exception as error:
            understood = _explain(error)
            if understood is None or ctx.params.get("debug"):
                raise
            raise Failure(understood) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FOOTLAKE"})
@click.option("--local", is_flag=True, help="Use the AWS on this machine; it is started if need be.")
@click.option("--profile", envvar="AWS_PROFILE", help="The AWS profile.")
@click.option("--region", envvar=["FOOTLAKE_REGION", "AWS_REGION"], help="The AWS region.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings: footlake.toml, if there.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    help="json: one document on stdout; csv: of report alone.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__)
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """A football data lake on AWS: what happened, beside what was to be expected."""
    if options["output"] == "csv" and ctx.invoked_subcommand != "report":
        raise click.UsageError("Only report has --output csv.")
    ctx.obj = App(**options)


def _explain(error: Exception) -> FootlakeError | None:
    """What an exception of the AWS SDK means to the person at the keyboard; None for what is a defect of ours."""
    from botocore import exceptions as aws

    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError | aws.CredentialRetrievalError):
        return FootlakeError(
            "There are no AWS credentials.",
            "Run aws configure, set AWS_PROFILE, or try it without an account: footlake --local",
        )
    if isinstance(error, aws.ProfileNotFound):
        return FootlakeError(f"{error}.", "aws configure list-profiles shows those that there are.")
    if isinstance(error, aws.NoRegionError):
        return FootlakeError("No AWS region is set.", "Use --region, AWS_REGION or your AWS profile.")
    if isinstance(error, aws.SSOTokenLoadError | aws.UnauthorizedSSOTokenError | aws.TokenRetrievalError):
        return FootlakeError("The AWS sign-in has expired.", "Run aws sso login.")
    context = click.get_current_context(silent=True)
    unreachable = isinstance(error, aws.HTTPClientError | aws.ConnectionError)
    if unreachable and context and context.obj and context.obj.local:
        return FootlakeError(
            "The local AWS does not answer (any more).", "Run the same command again: it starts it, and goes on."
        )
    if unreachable:
        return FootlakeError(
            f"AWS cannot be reached: {error}", "Check the network, the region and AWS_ENDPOINT_URL; then run it again."
        )
    if isinstance(error, aws.ClientError):
        return _explain_refusal(error)
    if isinstance(error, aws.BotoCoreError):
        return FootlakeError(f"The AWS SDK says: {error}")
    return None


def _explain_refusal(error: Any) -> FootlakeError:
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "")
    action = error.operation_name
    if code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"):
        return FootlakeError(f"AWS does not allow {action}: {message}", "The user or role that runs footlake needs it.")
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return FootlakeError("The AWS credentials have expired.", "Sign in again, then run the same command.")
    if code in ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"):
        return FootlakeError("AWS does not accept these credentials.", "Check aws sts get-caller-identity.")
    return FootlakeError(f"AWS refused {action}: {message} ({code})")
