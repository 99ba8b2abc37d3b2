"""A season week by week: every Tuesday's run, and what the weeks add up to.

    python -m bench.weeks RECORDINGS [--first DATE] [--last DATE]

Trains on the season before, then sets the clock to every Tuesday and runs `footlake run-week`, and nothing else.
Prints for each week: wall time, objects of the lake's bucket that changed, parts (of at most ten fixtures) that the
Glue jobs read, by their own account, rows scored, fixtures in MySQL; and, at the end, the season's sums. Every tenth
week is run twice, to see that nothing changes.
"""

from __future__ import annotations

import argparse
import re
import time
from datetime import date, timedelta
from pathlib import Path

from bench.command_line import Footlake

SUMS = (
    "SELECT COUNT(*), SUM(goalshometeam + goalsawayteam), SUM(shotsongoalhometeam + shotsongoalawayteam),"
    " SUM(totalshotshometeam + totalshotsawayteam), SUM(shotsinsideboxhometeam + shotsinsideboxawayteam),"
    " SUM(xgoalshometeam IS NULL OR xgoalsawayteam IS NULL) FROM fixtures WHERE season = %s"
)
ROWS = "SELECT * FROM fixtures ORDER BY idfixture"


class Lake(Footlake):
    """What a season does to a lake."""

    def parts_read(self) -> int:
        """How many parts the Glue jobs have read so far: each prints `… parts read` or `… parts loaded`."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName="/aws-glue/jobs/output")
        lines = [event["message"] for page in pages for event in page["events"]]
        return sum(int(number) for line in lines for number in re.findall(r"(\d+) parts (?:read|loaded)", line))

    def rows(self, keys: set[str]) -> int:
        """How many lines these objects have."""
        s3 = self.client("s3")
        return sum(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().count(b"\n") for key in keys)

    def objects(self) -> dict[str, tuple[str, str]]:
        """The lake's keys, each with its ETag and time of writing."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {
            one["Key"]: (one["ETag"], str(one["LastModified"])) for page in pages for one in page.get("Contents", [])
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2020, 9, 15))
    parser.add_argument("--last", type=date.fromisoformat, default=date(2021, 5, 25))
    parser.add_argument("--season", type=int, default=2020)
    options = parser.parse_args()
    with Lake.of_its_own(recordings=options.recordings.absolute()) as lake:
        weeks(lake, options.first, options.last, options.season)


def weeks(lake: Lake, first: date, last: date, season: int) -> None:
    lake.run("bootstrap")
    lake.run("ingest-fixtures", "--season", str(season - 1))
    lake.run("ingest-stats", "--season", str(season - 1))
    lake.run("run-glue")
    print(f"trained on {lake.run('train-autopilot')['rows']} rows of {season - 1}\n")
    print("date        seconds  changed  parts read  rows scored  in MySQL  again")
    day, number = first, 0
    while day <= last:
        number += 1
        lake.run("local", "clock", str(day))
        before, read = lake.objects(), lake.parts_read()
        began = time.monotonic()
        lake.run("run-week", "--date", str(day))
        seconds = time.monotonic() - began
        after = lake.objects()
        changed = {key for key, value in after.items() if before.get(key) != value}
        scored = lake.rows({key for key in changed if "/xGoals-predictions/" in key})
        read = lake.parts_read() - read
        again = ""
        if number % 10 == 1:
            rows = lake.mysql(ROWS)
            lake.run("run-week", "--date", str(day))
            same_rows, same_keys = lake.mysql(ROWS) == rows, lake.objects().keys() == after.keys()
            again = f"rows {'same' if same_rows else 'CHANGED'}, keys {'same' if same_keys else 'CHANGED'}"
        loaded = lake.mysql(SUMS, season)[0][0]
        print(f"{day}  {seconds:7.1f}  {len(changed):7}  {read:10}  {scored:11}  {loaded:8}  {again}", flush=True)
        day += timedelta(days=7)
    names = ("fixtures", "goals", "shots on goal", "total shots", "shots inside the box", "without xG")
    print("\n" + ", ".join(f"{value} {name}" for name, value in zip(names, lake.mysql(SUMS, season)[0], strict=True)))


if __name__ == "__main__":
    main()
