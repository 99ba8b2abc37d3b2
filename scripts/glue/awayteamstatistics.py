"""Glue job: the statistics of the away team of each played fixture, one row per fixture."""

from footlake_glue import write_team_rows

write_team_rows("awayteamstatistics", "away")
