"""policy: print the IAM policy needed to run footlake."""

from __future__ import annotations

import json
from pathlib import Path

import click

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.commands.options import write_file
from footlake.deploy.catalogue import catalogue
from footlake.resources import operator_policy, role_policies
from footlake.resources.role_policies import Policy


def build_policy(aws: AwsContext, weekly: bool, boundary: bool = False) -> Policy:
    """Return the policy for every command, or only for the weekly ones, or the boundary of the lake's roles."""
    if boundary:
        return role_policies.boundary(aws.config)
    resources = catalogue(aws.config, everything=True)
    return (operator_policy.weekly if weekly else operator_policy.setup)(aws.config, resources)


def run(cli: CliContext, weekly: bool, boundary: bool, split: Path | None) -> None:
    """Print the policy, or write its parts to the folder `split`."""
    if weekly and boundary:
        raise click.UsageError("--weekly and --boundary exclude each other.")
    document = build_policy(cli.connect(read_only=True), weekly, boundary)
    if split is None:
        print(json.dumps(document, indent=2))
        return
    parts = operator_policy.split(document)
    kind = "weekly" if weekly else "boundary" if boundary else "setup"
    files = [split / f"footlake-{kind}-{number}.json" for number in range(1, len(parts) + 1)]
    for file, part in zip(files, parts, strict=True):
        write_file(file, json.dumps(part, indent=2) + "\n")
    cli.output.print_result({"files": [str(file) for file in files]}, [str(file) for file in files])
