"""The check of the lake's data: what each fixture still lacks and why, and whether the tables can be trusted.

Reads the lake's objects and MySQL, and changes nothing. Only `lake_reader` and `mysql_reader` make calls; the other
modules compute from what these have read. `deploy` and its layers check the system, this package checks the data.
"""
