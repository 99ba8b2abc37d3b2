"""Glue job: the statistics of each finished fixture's home team, a row per fixture, for training and for xG."""

from footlake_glue import write_team_rows

write_team_rows("hometeamstatistics", "home")
