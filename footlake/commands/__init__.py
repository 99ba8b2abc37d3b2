"""The subcommands: one module for each, a plain function that does the work and its Click wrapper `command`.

Only `run_week` and `demo` import other commands, as they consist of them. Commands may import everything except
`footlake.cli` and the engines of the local AWS. This module imports nothing, so that `footlake --help` starts fast.
"""

# Name → (module, help text).
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
    "doctor": ("doctor", "What would stop a run, and what to do about it."),
    "status": ("status", "Each resource as it is, the next runs and the last ones."),
    "logs": ("logs", "What the functions, jobs and crawlers wrote, in one stream."),
    "metrics": ("metrics", "How often each ran, how often it failed, how long it took, what it cost."),
    "config": ("config", "Every setting, its value, and where it came from."),
    "policy": ("policy", "The IAM policy that whoever runs footlake needs."),
    "teardown": ("teardown", "Remove everything that footlake made."),
    "demo": ("demo", "From nothing to the league table, on the local AWS."),
    "record": ("record", "Record what API-Football answers, for the local AWS to replay."),
    "local": ("local", "The AWS on this machine: start, stop, status, clock, football."),
}

# These commands change nothing in the lake, so nothing needs to be resumed after an interruption.
READ_ONLY_COMMANDS = ("status", "doctor", "logs", "metrics", "report", "policy", "config", "models")
# These commands use the local AWS with or without --local.
LOCAL_COMMANDS = ("demo", "local")
