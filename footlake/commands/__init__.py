"""The work of the subcommands: one module for each, with a function for other code, and `run` for the command line.

`run` takes the options that footlake.cli declares and prints the result. Only `run_week` and `demo` import other
commands, as they consist of them. Commands may import everything except `footlake.cli` and the engines of the local
AWS. This module and `options` import almost nothing, so that `--help` starts fast.
"""

from typing import Literal

# Name → (module, help text).
COMMANDS = {
    "bootstrap": ("bootstrap", "Create or repair every resource of the lake."),
    "ingest-fixtures": ("ingest_fixtures", "Fetch the fixtures of a week or of whole seasons."),
    "ingest-stats": ("ingest_stats", "Fetch match statistics for the fixtures that were played."),
    "run-glue": ("run_glue", "Build one row per team and fixture, and run the crawler."),
    "train-autopilot": ("train_autopilot", "Train an expected-goals model with SageMaker Autopilot."),
    "transform-xgoals": ("transform_xgoals", "Predict expected goals for team rows that have none."),
    "models": ("models", "List trained models and their accuracy."),
    "load-mysql": ("load_mysql", "Load fixtures, tables, teams and expected goals into MySQL."),
    "run-week": ("run_week", "Update the lake for one week, from fixtures to MySQL."),
    "report": ("report", "Show the league table with actual and expected points."),
    "check": ("check", "Check the data: missing matches, and tables against official ones."),
    "database": ("database", "Start or stop the database, or show its state."),
    "doctor": ("doctor", "Check the system: credentials, permissions, quotas and settings."),
    "status": ("status", "Show resource state, upcoming schedules and recent runs."),
    "logs": ("logs", "Show logs of functions, jobs and crawlers in time order."),
    "metrics": ("metrics", "Show the number, failures, duration and cost of runs."),
    "config": ("config", "Show every setting, its value and its origin."),
    "policy": ("policy", "Print the IAM policy needed to run footlake."),
    "teardown": ("teardown", "Delete every resource of the lake."),
    "demo": ("demo", "Run the whole pipeline locally and print the league table."),
    "record": ("record", "Record API-Football responses for replay on the local AWS."),
    "local": ("local", "Start, stop and configure the local AWS emulator."),
}

# These commands change nothing in the lake, so nothing needs to be resumed after an interruption.
READ_ONLY_COMMANDS = ("status", "doctor", "check", "logs", "metrics", "report", "policy", "config", "models")
# These commands use the local AWS with or without --local.
LOCAL_COMMANDS = ("demo", "local")

StepName = Literal["ingest-fixtures", "ingest-stats", "run-glue", "transform-xgoals", "load-mysql"]
# The steps of run-week, in their order.
STEPS: tuple[StepName, ...] = ("ingest-fixtures", "ingest-stats", "run-glue", "transform-xgoals", "load-mysql")
