"""Measure a weekly run on the local AWS at the start and at the end of a season, compared with a lower bound.

    python -m bench.weekly_run

The league is simulated, the model is trained on the season before, and the engines are already running. The floor is
one empty Spark job, one invocation of an empty function and one batch transform of a single row, sequentially. A
weekly run consists of four functions, five jobs, a crawler and two transforms.
"""

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from bench.command_line import FootlakeCli
from bench.measure import Claim, best_seconds, format_claims, markdown_section
from footlake.lake import s3_keys, schemas

SEASON = 2020  # the model is trained on the season before
FIRST_TUESDAY = date(SEASON, 9, 15)  # after the first round
WEEKS = 38
FIRST_WEEKS, LAST_WEEKS = (2, 3, 4), (36, 37, 38)
MAX_SECONDS = 15
MAX_TIMES_FLOOR = 3
EMPTY_JOB = "from pyspark.sql import SparkSession\n\nSparkSession.builder.getOrCreate().range(1).count()\n"
EMPTY_HANDLER = "def handler(event, context):\n    return None\n"
WeekSeconds = tuple[float, dict[str, float]]  # total, and by step


def main() -> None:
    with FootlakeCli.temporary() as footlake:
        log("bootstrap, a season, a model …")
        footlake.run("bootstrap")
        load_season(footlake, SEASON - 1)
        footlake.run("train-autopilot")
        run_week(footlake, 1)  # starts the engines
        weeks = {week: run_week(footlake, week) for week in FIRST_WEEKS}
        load_season(footlake, SEASON, week=LAST_WEEKS[0] - 1)
        run_week(footlake, LAST_WEEKS[0] - 1)
        weeks |= {week: run_week(footlake, week) for week in LAST_WEEKS}
        floor = measure_floor(footlake)
    print(format_report(weeks, floor))


def format_report(weeks: dict[int, WeekSeconds], floor: dict[str, float]) -> str:
    """Format the sections and the claims."""
    total_floor = sum(floor.values())
    rows: list[tuple[Any, ...]] = [
        (
            f"week {week}",
            f"{seconds:.1f}",
            f"{seconds / total_floor:.1f} ×",
            *(f"{step:.1f}" for step in steps.values()),
        )
        for week, (seconds, steps) in weeks.items()
    ]
    floor_rows = [(name, f"{seconds:.1f}") for name, seconds in floor.items()] + [("total", f"{total_floor:.1f}")]
    first, last = (min(weeks[week][0] for week in period) for period in (FIRST_WEEKS, LAST_WEEKS))
    longest = max(seconds for seconds, _ in weeks.values())
    text = (
        f"The best of the first weeks took {first:.1f} s, the best of the last weeks {last:.1f} s: {last / first:.2f} ×"
        f" as long, and {last / total_floor:.1f} × the floor."
    )
    claims = [
        Claim(f"A weekly run takes at most {MAX_SECONDS} s", f"{longest:.1f} s", "≤ 15 s", longest <= MAX_SECONDS),
        Claim(
            "A weekly run takes as long at the end of a season as at its start, within a tenth",
            f"{last / first:.2f} ×",
            "≤ 1.1 ×",
            last <= 1.1 * first,
        ),
        Claim(
            f"A weekly run takes at most {MAX_TIMES_FLOOR} × the floor",
            f"{last / total_floor:.1f} ×",
            f"≤ {MAX_TIMES_FLOOR} ×",
            last <= MAX_TIMES_FLOOR * total_floor,
        ),
    ]
    columns = ["", "total", "ratio to the floor", *next(iter(weeks.values()))[1]]
    return (
        markdown_section("Weekly run with running engines (seconds)", columns, rows)
        + "\n"
        + markdown_section("Floor of the weekly run (seconds)", ["", "seconds"], floor_rows, text)
        + format_claims(claims)
    )


def load_season(footlake: FootlakeCli, season: int, week: int = WEEKS) -> None:
    """Ingest a season up to a week and run the Glue jobs."""
    log(f"season {season} up to week {week} …")
    footlake.run("local", "clock", str(FIRST_TUESDAY.replace(year=season) + timedelta(weeks=week - 1)))
    for command in ("ingest-fixtures", "ingest-stats"):
        footlake.run(command, "--season", str(season))
    footlake.run("run-glue")


def run_week(footlake: FootlakeCli, week: int) -> WeekSeconds:
    """Run a week; return its seconds in total and by step."""
    tuesday = str(FIRST_TUESDAY + timedelta(weeks=week - 1))
    footlake.run("local", "clock", tuesday)
    started = time.perf_counter()
    document = footlake.run("run-week", "--date", tuesday)
    seconds = time.perf_counter() - started
    log(f"week {week}: {seconds:.1f} s")
    return seconds, document["seconds"]


def measure_floor(footlake: FootlakeCli) -> dict[str, float]:
    """Return the seconds of a job, a function and a transform that do no work."""
    return {
        "an empty Spark job": best_seconds(create_spark_job(footlake)),
        "an empty function": best_seconds(create_function(footlake)),
        "a transform of one row": best_seconds(create_transform(footlake)),
    }


def create_spark_job(footlake: FootlakeCli) -> Callable[[], None]:
    """Create a Glue job that counts one row; return a function that runs it."""
    glue, s3 = footlake.client("glue"), footlake.client("s3")
    template = glue.get_job(JobName="dropids")["Job"]
    bucket, _, script = template["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
    key = script.replace("dropids", "empty")
    s3.put_object(Bucket=bucket, Key=key, Body=EMPTY_JOB.encode())
    command = template["Command"] | {"ScriptLocation": f"s3://{bucket}/{key}"}
    glue.create_job(Name="empty", Role=template["Role"], Command=command, GlueVersion=template["GlueVersion"])

    def run() -> None:
        run_id = glue.start_job_run(JobName="empty")["JobRunId"]
        wait_for_state(lambda: glue.get_job_run(JobName="empty", RunId=run_id)["JobRun"]["JobRunState"], "SUCCEEDED")

    return run


def create_function(footlake: FootlakeCli) -> Callable[[], None]:
    """Create a function that returns immediately; return a function that invokes it."""
    client = footlake.client("lambda")
    template = client.get_function(FunctionName="etlGetFixtures")["Configuration"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("empty.py", EMPTY_HANDLER)
    client.create_function(
        FunctionName="empty",
        Runtime=template["Runtime"],
        Role=template["Role"],
        Handler="empty.handler",
        Code={"ZipFile": package.getvalue()},
    )

    def invoke() -> None:
        response = client.invoke(FunctionName="empty")
        if json.loads(response["Payload"].read()) is not None:
            sys.exit("the empty function failed")

    return invoke


def create_transform(footlake: FootlakeCli) -> Callable[[], None]:
    """Prepare a batch transform of one row; return a function that runs it."""
    sagemaker, s3 = footlake.client("sagemaker"), footlake.client("s3")
    model = sagemaker.list_models(SortBy="CreationTime", SortOrder="Descending")["Models"][0]["ModelName"]
    jobs = sagemaker.list_transform_jobs(StatusEquals="Completed")["TransformJobSummaries"]
    template = sagemaker.describe_transform_job(TransformJobName=jobs[0]["TransformJobName"])
    row = ",".join("1" for _ in schemas.TEAM_ROW_COLUMNS)
    prefix = f"{s3_keys.TRANSFORM_INPUTS}empty/"
    s3.put_object(Bucket=footlake.bucket, Key=f"{prefix}one.csv", Body=f"{row}\n".encode())
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{footlake.bucket}/{prefix}"}}
    output = {"S3OutputPath": f"s3://{footlake.bucket}/{s3_keys.PREDICTIONS}empty"}
    numbers = iter(range(1000))

    def run() -> None:
        name = f"empty-{next(numbers)}"
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=model,
            TransformInput=template["TransformInput"] | {"DataSource": source},
            TransformOutput=template["TransformOutput"] | output,
            TransformResources=template["TransformResources"],
            DataProcessing=template["DataProcessing"],
        )
        wait_for_state(
            lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"], "Completed"
        )

    return run


def wait_for_state(get_state: Callable[[], str], target: str) -> None:
    """Poll every 50 ms until the state is `target`; end the program in another final state."""
    while (state := get_state()) != target:
        if state.upper() in ("FAILED", "STOPPED", "TIMEOUT", "ERROR"):
            sys.exit(f"ended as {state} instead of {target}")
        time.sleep(0.05)


def log(text: str) -> None:
    """Print progress to standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
