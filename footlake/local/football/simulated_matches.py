"""Play simulated matches: shots, goals and statistics of both teams.

Shots are drawn first and goals from their quality, so that statistics and goals correlate as in recorded seasons. The
constants were fitted to the Premier League of 2019/20 and 2020/21; tests/local/football/test_simulator.py compares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

FIRST_WITH_XG = 2022
FIRST_WITH_GOALS_PREVENTED = 2023


@dataclass(frozen=True, slots=True)
class TeamPerformance:
    """One team's figures of a match; `saved` shots are those that the other team's goalkeeper saved."""

    goals: int
    goals_by_half_time: int
    saved: int
    off_goal: int
    blocked: int
    inside_box: int
    outside_box: int
    xg: float
    possession: int
    passes: int
    accurate_passes: int
    fouls: int
    corners: int
    offsides: int
    yellow_cards: int
    red_cards: int

    @property
    def on_goal(self) -> int:
        return self.goals + self.saved

    @property
    def shots(self) -> int:
        return self.inside_box + self.outside_box


def play_match(rng: Random, skill_difference: float) -> tuple[TeamPerformance, TeamPerformance]:
    """Return the performances of the home and the away team; `skill_difference` is home minus away."""
    possession = round(min(max(rng.gauss(50.6 + 6.8 * skill_difference, 9.0), 18), 82))
    passes = rng.gauss(920, 100)
    return (
        _play_team(rng, 0.05, skill_difference, possession, passes),
        _play_team(rng, -0.05, -skill_difference, 100 - possession, passes),
    )


def _play_team(
    rng: Random, home_advantage: float, skill_difference: float, possession: int, passes_of_both: float
) -> TeamPerformance:
    volume = 0.0155 * (possession - 50) + 0.02 * skill_difference + home_advantage + rng.gauss(0, 0.19)
    expected_shots = min(11.7 * math.exp(volume), 26)
    shots = draw_poisson(rng, expected_shots)
    inside_share = min(max(rng.gauss(0.64 + 0.01 * skill_difference, 0.11), 0.2), 0.95)
    # Shots are worse if there are many of them, and better if the team is.
    quality = math.exp(
        0.2 * skill_difference + home_advantage - 0.8 * math.log(expected_shots / 12) + rng.gauss(0, 0.1)
    )
    inside = goals = by_half_time = saved = blocked = 0
    xg = 0.0
    for _ in range(shots):
        inside_box = rng.random() < inside_share
        chance = min(quality * (rng.betavariate(1.1, 6.4) if inside_box else rng.betavariate(1.2, 32)), 0.95)
        inside += inside_box
        xg += chance
        if rng.random() < chance:
            goals += 1
            by_half_time += rng.random() < 0.44
        else:
            outcome = rng.random()
            saved += outcome < 0.272
            blocked += outcome > 1 - 0.305
    accuracy = min(max(rng.gauss(0.789 + 0.0042 * (possession - 50), 0.045), 0.45), 0.95)
    passes = round(max(passes_of_both * (possession / 100) + rng.gauss(0, 35), 60))
    return TeamPerformance(
        goals=goals,
        goals_by_half_time=by_half_time,
        saved=saved,
        off_goal=shots - goals - saved - blocked,
        blocked=blocked,
        inside_box=inside,
        outside_box=shots - inside,
        xg=xg,
        possession=possession,
        passes=passes,
        accurate_passes=round(passes * accuracy),
        fouls=draw_poisson(rng, 10.75),
        corners=draw_poisson(rng, 1.9 + 0.27 * shots),
        offsides=draw_poisson(rng, 1.7),
        yellow_cards=draw_poisson(rng, 1.6),
        red_cards=int(rng.random() < 0.06),
    )


def draw_poisson(rng: Random, mean: float) -> int:
    """Return a Poisson variable, by Knuth's multiplication of uniform variables."""
    count, product = 0, rng.random()
    limit = math.exp(-mean)
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def list_statistics(team: TeamPerformance, opponent: TeamPerformance, year: int, rng: Random) -> list[dict[str, Any]]:
    """Return the statistics under the API's names and in its order, where a zero of a rare event is often null."""

    def null_if_zero(count: int, share: float) -> int | None:
        return None if rng.random() < share and count == 0 else count

    values: dict[str, Any] = {
        "Shots on Goal": team.on_goal,
        "Shots off Goal": team.off_goal,
        "Total Shots": team.shots,
        "Blocked Shots": team.blocked,
        "Shots insidebox": team.inside_box,
        "Shots outsidebox": team.outside_box,
        "Fouls": team.fouls,
        "Corner Kicks": team.corners,
        "Offsides": null_if_zero(team.offsides, 0.25),
        "Ball Possession": f"{team.possession}%",
        "Yellow Cards": null_if_zero(team.yellow_cards, 0.3),
        "Red Cards": null_if_zero(team.red_cards, 0.95),
        "Goalkeeper Saves": opponent.saved,
        "Total passes": team.passes,
        "Passes accurate": team.accurate_passes,
        "Passes %": f"{round(100 * team.accurate_passes / team.passes)}%",
    }
    if year >= FIRST_WITH_XG:
        values["expected_goals"] = f"{team.xg:.2f}"
    if year >= FIRST_WITH_GOALS_PREVENTED:
        values["goals_prevented"] = f"{opponent.xg - opponent.goals:.2f}"
    return [{"type": name, "value": value} for name, value in values.items()]
