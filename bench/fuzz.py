"""Bodies that the football API might send, from sensible to absurd, through the parsers: how many, and what came of it.

    python -m bench.fuzz [--bodies 100000] [--seed 1]

Half are simulated answers with something changed in them, half are made up by hypothesis. From each come rows that the
tables can hold, or the one documented exception; any other exception is printed with its body, and ends the run.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from footlake.football.fixtures import parse_fixture
from footlake.local.football.simulator import Simulator
from tests.football import bodies
from tests.football.test_any_body import check_fixture, check_statistics

NOW = datetime(2023, 7, 1, tzinfo=UTC)
STRANGE = (
    *(None, True, -1, 0, 2**31, 10**400, 1.5, float("nan"), float("inf"), "", "many", "\ud800", "a\nb", "64%", "²"),
    *([], {}, [[]], {"id": None}, "2020-02-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began, done = time.monotonic(), Counter[str]()
    changed(options.bodies // 2, options.seed, done)
    made_up(options.bodies - options.bodies // 2, options.seed, done)
    for kind, number in sorted(done.items()):
        print(f"{number:8,}  {kind}")
    print(f"{sum(done.values()):8,}  bodies tried in {time.monotonic() - began:.0f} s, no other exception")


def changed(number: int, seed: int, done: Counter[str]) -> None:
    """Simulated answers with one to three places changed, removed or doubled."""
    random, league = Random(seed), Simulator()
    fixtures = league.fixtures(39, 2022, NOW)
    for turn in range(number):
        item = random.choice(fixtures)
        of_fixture = turn % 2 == 0
        body = copy.deepcopy(item if of_fixture else league.statistics(item["fixture"]["id"], NOW))
        for _ in range(random.randint(1, 3)):
            spoil(random, body)
        try:
            body = json.loads(json.dumps(body))
            parsed = check_fixture(body) if of_fixture else check_statistics(body, parse_fixture(item))
        except Exception:
            print(f"broken by: {ascii(body)[:2000]}", file=sys.stderr)
            raise
        done["changed fixtures, still one" if parsed else f"changed {'fixtures' if of_fixture else 'statistics'}"] += 1


def spoil(random: Random, body: Any) -> None:
    """Change one place of a body."""
    while True:
        places = list(body) if isinstance(body, dict) else list(range(len(body)))
        if not places:
            return
        place = random.choice(places)
        if isinstance(body[place], dict | list) and body[place] and random.random() < 0.85:
            body = body[place]
            continue
        kind = random.random()
        if kind < 0.2:
            del body[place]
        elif kind < 0.3 and isinstance(body, list):
            body.append(copy.deepcopy(body[place]))
        else:
            body[place] = copy.deepcopy(random.choice(STRANGE))
        return


def made_up(number: int, start: int, done: Counter[str]) -> None:
    """Bodies of hypothesis, in rounds, as it keeps what it has tried."""
    each = 2500
    for turn in range(0, number, each):
        for name, strategy, check in (
            ("made-up fixtures", bodies.fixtures | bodies.anything, check_fixture),
            ("made-up statistics", bodies.statistics | bodies.anything, check_statistics),
        ):
            tried(name, strategy, check, done, start + turn, min(each, number - turn) // 2)


def tried(name: str, strategy: Any, check: Any, done: Counter[str], start: int, examples: int) -> None:
    """One round."""

    @seed(start)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def one(body: Any) -> None:
        done[name] += 1
        check(body)

    one()


if __name__ == "__main__":
    main()
