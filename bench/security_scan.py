"""Scan the resources that bootstrap creates with prowler, an independent security scanner.

    python -m bench.security_scan [--prowler PATH]

Bootstraps a lake on a temporary local AWS, installs prowler into a temporary virtual environment (2.3 GB, some
minutes), runs its checks of S3, RDS and IAM against the local endpoint and prints the failures with severity high or
critical. Then it does the same with `bootstrap --as-documented`. docs/decisions/0005-security-scan.md explains the
accepted findings of the default. Exit code 1 if there is a finding that it does not name.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from bench.command_line import FootlakeCli

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = (ROOT / "docs/decisions/0005-security-scan.md").read_text()
Finding = tuple[str, str, str]  # severity, check, resource
SERVICES = ("s3", "rds", "iam")
PROWLER = "prowler==5.46.0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prowler", type=Path, help="Use this prowler instead of installing one.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        prowler = options.prowler or install(Path(folder) / "venv")
        default = scan_new_lake(prowler, Path(folder) / "default")
        documented = scan_new_lake(prowler, Path(folder) / "documented", "--as-documented")
    unexplained = {finding for finding in default if finding[1] not in EXPLAINED}
    print(f"{'default':<12} {'as documented':<14} {'severity':<9} check, resource")
    for finding in sorted(default | documented):
        severity, check, resource = finding
        default_state = "" if finding not in default else "UNEXPLAINED" if finding in unexplained else "explained"
        print(f"{default_state:<12} {'yes' if finding in documented else '':<14} {severity:<9} {check}, {resource}")
    print(f"{len(default)} findings of severity high or critical, {len(unexplained)} unexplained;", end=" ")
    print(f"{len(documented)} as documented")
    sys.exit(bool(unexplained))


def scan_new_lake(prowler: Path, folder: Path, *options: str) -> set[Finding]:
    """Bootstrap a lake with these options and return prowler's findings."""
    with FootlakeCli.temporary() as footlake:
        footlake.run("bootstrap", *options)
        return scan(prowler, footlake.endpoint, folder)


def install(folder: Path) -> Path:
    """Install prowler into a new virtual environment and return its path."""
    print("installing prowler …", file=sys.stderr)
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", PROWLER], check=True)
    return folder / "bin/prowler"


def scan(prowler: Path, endpoint: str, output: Path) -> set[Finding]:
    """Run prowler and return the failed checks with severity high or critical."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    options = ["--services", *SERVICES, "-M", "csv", "-o", str(output), "--no-banner", "--ignore-exit-code-3"]
    log = output.with_suffix(".log")
    with log.open("w") as file:
        subprocess.run(
            [prowler, "aws", "-f", "us-east-1", *options], env=environment, check=False, stdout=file, stderr=file
        )
    reports = list(output.glob("*.csv"))
    if not reports:
        sys.exit(f"prowler made no report: {log.read_text()[-500:]}")
    with reports[0].open() as report:
        rows = list(csv.DictReader(report, delimiter=";"))
    print(f"{len(rows)} results, {len({row['CHECK_ID'] for row in rows})} checks")
    failed = (row for row in rows if row["STATUS"] == "FAIL" and row["SEVERITY"] in ("high", "critical"))
    return {(row["SEVERITY"], row["CHECK_ID"], row["RESOURCE_UID"]) for row in failed}


if __name__ == "__main__":
    main()
