"""Replay a season week by week: run every Tuesday's weekly run and report what it did.

    python -m bench.season_replay RECORDINGS [--first DATE] [--last DATE]

Trains on the season before, then sets the clock to each Tuesday and runs `footlake run-week`. Prints for each week the
wall time, the changed objects of the bucket, the parts (of at most ten fixtures) that the Glue jobs report as read, the
scored rows and the fixtures in MySQL; and, at the end, the totals of the season. Every tenth week runs twice, to show
that the second run changes nothing.
"""

from __future__ import annotations

import argparse
import re
import time
from datetime import date, timedelta
from pathlib import Path

from bench.command_line import FootlakeCli

TOTALS = (
    "SELECT COUNT(*), SUM(goalshometeam + goalsawayteam), SUM(shotsongoalhometeam + shotsongoalawayteam),"
    " SUM(totalshotshometeam + totalshotsawayteam), SUM(shotsinsideboxhometeam + shotsinsideboxawayteam),"
    " SUM(xgoalshometeam IS NULL OR xgoalsawayteam IS NULL) FROM fixtures WHERE season = %s"
)
TOTAL_NAMES = ("fixtures", "goals", "shots on goal", "total shots", "shots inside the box", "without xG")
ALL_ROWS = "SELECT * FROM fixtures ORDER BY idfixture"


class ReplayCli(FootlakeCli):
    """A command line that also inspects the lake."""

    def count_parts_read(self) -> int:
        """Return the parts that the Glue jobs have read so far. Each job prints `… parts read` or `… parts loaded`."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName="/aws-glue/jobs/output")
        lines = [event["message"] for page in pages for event in page["events"]]
        return sum(int(number) for line in lines for number in re.findall(r"(\d+) parts? (?:read|loaded)", line))

    def count_lines(self, keys: set[str]) -> int:
        """Return the number of lines in these objects."""
        s3 = self.client("s3")
        return sum(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().count(b"\n") for key in keys)

    def list_objects(self) -> dict[str, tuple[str, str]]:
        """Return the ETag and the time of modification of each key."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        contents = [item for page in pages for item in page.get("Contents", [])]
        return {item["Key"]: (item["ETag"], str(item["LastModified"])) for item in contents}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2020, 9, 15))
    parser.add_argument("--last", type=date.fromisoformat, default=date(2021, 5, 25))
    parser.add_argument("--season", type=int, default=2020)
    options = parser.parse_args()
    with ReplayCli.temporary(recordings=options.recordings.absolute()) as footlake:
        train(footlake, options.season - 1)
        print("date        seconds  changed  parts read  rows scored  in MySQL  again")
        weeks = (options.last - options.first).days // 7 + 1
        for number in range(weeks):
            run_week(footlake, options.first + timedelta(weeks=number), options.season, repeat=number % 10 == 0)
        totals = footlake.query_mysql(TOTALS, options.season)[0]
        print("\n" + ", ".join(f"{total} {name}" for name, total in zip(TOTAL_NAMES, totals, strict=True)))


def train(footlake: ReplayCli, season: int) -> None:
    """Create the lake and train the model on a season."""
    footlake.run("bootstrap")
    footlake.run("ingest-fixtures", "--season", str(season))
    footlake.run("ingest-stats", "--season", str(season))
    footlake.run("run-glue")
    print(f"trained on {footlake.run('train-autopilot')['rows']} rows of {season}\n")


def run_week(footlake: ReplayCli, day: date, season: int, repeat: bool) -> None:
    """Run a week, twice if `repeat`, and print its line."""
    footlake.run("local", "clock", str(day))
    before, parts_before = footlake.list_objects(), footlake.count_parts_read()
    started = time.monotonic()
    footlake.run("run-week", "--date", str(day))
    seconds = time.monotonic() - started
    after = footlake.list_objects()
    changed = {key for key, value in after.items() if before.get(key) != value}
    scored = footlake.count_lines({key for key in changed if "/xGoals-predictions/" in key})
    parts_read = footlake.count_parts_read() - parts_before
    repetition = ""
    if repeat:
        rows = footlake.query_mysql(ALL_ROWS)
        footlake.run("run-week", "--date", str(day))
        same_rows = footlake.query_mysql(ALL_ROWS) == rows
        same_keys = footlake.list_objects().keys() == after.keys()
        repetition = f"rows {'same' if same_rows else 'CHANGED'}, keys {'same' if same_keys else 'CHANGED'}"
    loaded = footlake.query_mysql(TOTALS, season)[0][0]
    cells = f"{day}  {seconds:7.1f}  {len(changed):7}  {parts_read:10}  {scored:11}  {loaded:8}  {repetition}"
    print(cells, flush=True)


if __name__ == "__main__":
    main()
