"""Benchmarks and checks of what footlake claims: one runnable script per claim (`python -m bench.NAME`).

`python -m bench` runs the scripts that docs/performance.md consists of. This package may import footlake, the Glue
scripts and tests/support; nothing in footlake/ imports it.
"""
