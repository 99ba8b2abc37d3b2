"""The tables of a league's season with the matches that each of them counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from footlake.football.season_fixtures import Duplicate, Record
from footlake.football.standings import StandingsRow
from footlake.football.table_kinds import DERIVED_KINDS, TableKind
from footlake.football.table_points import TeamPoints
from footlake.lake.s3_keys import Side

Reconciled = Literal["equal", "decided", "stale", "different", "not started", "derived", "unofficial"]
UNOFFICIAL = "unofficial: goal difference, no deductions"


@dataclass(frozen=True)
class CountedMatch:
    """What a fixture counts for one team in a table: the team's side of the result.

    `team_id` is that of the table's row; the fixture can have another id of the same team, so that `side` says which
    team it is. `reason` is empty if the record is the fixture's result, and otherwise says why it is not, for users.
    """

    fixture_id: int
    team_id: int
    side: Side
    record: Record
    reason: str = ""


@dataclass(frozen=True)
class Difference:
    """A figure of a team for which the official table and the fixtures differ. `figure` is one of FIGURES or "team"."""

    team_id: int | None
    team: str
    figure: str
    official: int | None
    computed: int | None

    def __str__(self) -> str:
        if self.figure == "team":
            return f"{self.team}: no fixtures of this team"
        return f"{self.team}: official {self.figure.replace('_', ' ')} {self.official}, fixtures {self.computed}"


@dataclass(frozen=True)
class TeamStanding:
    """A team's row. `official` is the row of the standings, `record` the sum of the table's matches.

    `team_id` is the id in the fixtures, or that of the standings if the team has no fixtures. `matched_by` is "id",
    "name", "record", "elimination" or "".
    """

    team_id: int | None
    team: str
    rank: int | None
    points: int | None
    official: StandingsRow | None
    record: Record
    split_points: TeamPoints
    matched_by: str = "id"


@dataclass(frozen=True)
class LeagueTable:
    """A table of a league's season with the matches that it counts.

    `kind` says what it ranks, see `table_kinds`; a derived table repeats matches of other tables or seasons.
    `reconciled` is "equal" if every figure equals the fixtures, "decided" if it does with the results that `matches`
    give reasons for, "stale" if it equals the fixtures up to `counted_until`, "different" if it does not; `differences`
    then name the figures. `omitted` are fixtures with a result in the table's rounds that no table counts. `superseded`
    tables are followed by a later stage with the same teams, or are empty while their teams play another stage.
    `carry_over` is "halved" or "dropped" if points of an earlier phase are. Without `points_explained`, no rule gives
    the official points of most teams.
    """

    number: int
    name: str
    kind: TableKind
    reconciled: Reconciled
    rows: tuple[TeamStanding, ...]
    matches: tuple[CountedMatch, ...] = ()
    rounds: tuple[str, ...] = ()
    omitted: tuple[int, ...] = ()
    differences: tuple[Difference, ...] = ()
    counted_until: datetime | None = None
    superseded: bool = False
    carry_over: str = ""
    points_explained: bool = True
    official: bool = True

    @property
    def decisions(self) -> tuple[CountedMatch, ...]:
        """The matches that count otherwise than the fixture says, with the reason; both sides of each."""
        return tuple(match for match in self.matches if match.reason)

    @property
    def derived(self) -> bool:
        """Whether the table ranks teams by results that belong to other tables or other seasons."""
        return self.kind in DERIVED_KINDS


@dataclass(frozen=True)
class SeasonTables:
    """The tables of a league's season, the matches under two ids, and what could not be used."""

    tables: tuple[LeagueTable, ...]
    duplicates: tuple[Duplicate, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def current(self) -> tuple[LeagueTable, ...]:
        """The tables to show first: those of the stage that is played, without derived ones."""
        return tuple(table for table in self.tables if not table.derived and not table.superseded)
