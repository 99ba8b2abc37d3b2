"""A weekly run on the local AWS, at the beginning of a season and at its end, beside the least that it could take.

    python -m bench.week

The league is the simulated one, the model is trained on the season before, and the engines are warm. The floor is one
empty Spark job, one invocation of an empty function and one batch transform of a single row, one after the other: a
weekly run is four functions, five jobs, a crawler and two transforms.
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

from bench.command_line import Footlake
from bench.measure import best, table
from footlake.lake import s3_keys, schemas

SEASON = 2020  # not the training's, which is the one before
FIRST = date(SEASON, 9, 15)  # the Tuesday after the first round
WEEKS = 38
AT_THE_BEGINNING, AT_THE_END = (2, 3, 4), (36, 37, 38)
JOB = "from pyspark.sql import SparkSession\n\nSparkSession.builder.getOrCreate().range(1).count()\n"
HANDLER = "def handler(event, context):\n    return None\n"


def main() -> None:
    with Footlake.of_its_own() as footlake:
        say("bootstrap, a season, a model …")
        footlake.run("bootstrap")
        load(footlake, SEASON - 1)
        footlake.run("train-autopilot")
        run_week(footlake, 1)  # the engines start
        measured = {week: run_week(footlake, week) for week in AT_THE_BEGINNING}
        load(footlake, SEASON, week=AT_THE_END[0] - 1)
        run_week(footlake, AT_THE_END[0] - 1)
        measured |= {week: run_week(footlake, week) for week in AT_THE_END}
        floor = floors(footlake)
    rows: list[tuple[Any, ...]] = []
    for week, (seconds, steps) in measured.items():
        rows.append((f"week {week}", f"{seconds:.1f}", *(f"{one:.1f}" for one in steps.values())))
    print(table("A weekly run, warm (seconds)", ["", "in all", *next(iter(measured.values()))[1]], rows))
    print(
        table(
            "The floor (seconds)",
            ["", "seconds"],
            [*((name, f"{one:.1f}") for name, one in floor.items()), ("together", f"{sum(floor.values()):.1f}")],
        )
    )
    first, last = (best_of(measured, weeks) for weeks in (AT_THE_BEGINNING, AT_THE_END))
    print(
        f"The best of the first weeks took {first:.1f} s, of the last ones {last:.1f} s: {last / first:.2f} × as long;"
        f" {last / sum(floor.values()):.1f} × the floor."
    )


def load(footlake: Footlake, season: int, week: int = WEEKS) -> None:
    """A season up to a week, in Glue's data sets."""
    say(f"the season {season} up to week {week} …")
    footlake.run("local", "clock", str(FIRST.replace(year=season) + timedelta(weeks=week - 1)))
    for command in ("ingest-fixtures", "ingest-stats"):
        footlake.run(command, "--season", str(season))
    footlake.run("run-glue")


def run_week(footlake: Footlake, week: int) -> tuple[float, dict[str, float]]:
    """The seconds of a week's run, and of each of its steps."""
    tuesday = str(FIRST + timedelta(weeks=week - 1))
    footlake.run("local", "clock", tuesday)
    began = time.perf_counter()
    document = footlake.run("run-week", "--date", tuesday)
    seconds = time.perf_counter() - began
    say(f"week {week}: {seconds:.1f} s")
    return seconds, document["seconds"]


def best_of(measured: dict[int, tuple[float, dict[str, float]]], weeks: tuple[int, ...]) -> float:
    """The shortest of these weeks."""
    return min(measured[week][0] for week in weeks)


def floors(footlake: Footlake) -> dict[str, float]:
    """The seconds of a job, a function and a transform that have nothing to do."""
    return {
        "an empty Spark job": best(spark_job(footlake)),
        "an empty function": best(function(footlake)),
        "a transform of one row": best(transform(footlake)),
    }


def spark_job(footlake: Footlake) -> Callable[[], None]:
    """A run of a Glue job that starts Spark and counts to one."""
    glue, s3 = footlake.client("glue"), footlake.client("s3")
    like = glue.get_job(JobName="dropids")["Job"]
    bucket, _, script = like["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
    key = script.replace("dropids", "empty")
    s3.put_object(Bucket=bucket, Key=key, Body=JOB.encode())
    command = like["Command"] | {"ScriptLocation": f"s3://{bucket}/{key}"}
    glue.create_job(Name="empty", Role=like["Role"], Command=command, GlueVersion=like["GlueVersion"])

    def run() -> None:
        id = glue.start_job_run(JobName="empty")["JobRunId"]
        until(lambda: glue.get_job_run(JobName="empty", RunId=id)["JobRun"]["JobRunState"], "SUCCEEDED")

    return run


def function(footlake: Footlake) -> Callable[[], None]:
    """An invocation of a function that returns at once."""
    client = footlake.client("lambda")
    like = client.get_function(FunctionName="etlGetFixtures")["Configuration"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as zipped:
        zipped.writestr("empty.py", HANDLER)
    client.create_function(
        FunctionName="empty",
        Runtime=like["Runtime"],
        Role=like["Role"],
        Handler="empty.handler",
        Code={"ZipFile": package.getvalue()},
    )

    def invoke() -> None:
        answer = client.invoke(FunctionName="empty")
        if json.loads(answer["Payload"].read()) is not None:
            sys.exit("the empty function failed")

    return invoke


def transform(footlake: Footlake) -> Callable[[], None]:
    """A batch transform of one row."""
    sagemaker, s3 = footlake.client("sagemaker"), footlake.client("s3")
    model = sagemaker.list_models(SortBy="CreationTime", SortOrder="Descending")["Models"][0]["ModelName"]
    jobs = sagemaker.list_transform_jobs(StatusEquals="Completed")["TransformJobSummaries"]
    like = sagemaker.describe_transform_job(TransformJobName=jobs[0]["TransformJobName"])
    row = ",".join("1" for _ in schemas.TEAM_ROW_COLUMNS)
    s3.put_object(Bucket=footlake.bucket, Key=f"{s3_keys.TRANSFORM_INPUTS}empty/one.csv", Body=f"{row}\n".encode())
    source = {
        "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{footlake.bucket}/{s3_keys.TRANSFORM_INPUTS}empty/"}
    }
    number = iter(range(1000))

    def run() -> None:
        name = f"empty-{next(number)}"
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=model,
            TransformInput=like["TransformInput"] | {"DataSource": source},
            TransformOutput=like["TransformOutput"]
            | {"S3OutputPath": f"s3://{footlake.bucket}/{s3_keys.PREDICTIONS}empty"},
            TransformResources=like["TransformResources"],
            DataProcessing=like["DataProcessing"],
        )
        until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"], "Completed")

    return run


def until(state: Callable[[], str], wanted: str) -> None:
    """Look every 50 ms whether it has come to this state; it ends the program if it came to another."""
    while (seen := state()) != wanted:
        if seen.upper() in ("FAILED", "STOPPED", "TIMEOUT", "ERROR"):
            sys.exit(f"it ended {seen}, not {wanted}")
        time.sleep(0.05)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
