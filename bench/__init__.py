"""Benchmarks and checks of what footlake claims: one runnable script per claim (`python -m bench.NAME`).

`make bench` runs the benchmarks, as `python -m bench`; docs/performance.md consists of their results. This package may
import footlake, the Glue scripts and tests/support; nothing in footlake/ imports it. Other scripts:

- ingest, fuzz, faults: check ingestion, the parsers, and bootstrap and teardown against failures. `make proof` runs
  them, faults with a sample of the calls;
- evaluation: the xGoals model on recorded seasons (docs/decisions/0008-the-model-is-tested-on-the-last-season.md);
- security_scan: prowler on the lake's resources (docs/decisions/0005-security-scan.md);
- picture: the screenshot in docs/report.md.
"""
