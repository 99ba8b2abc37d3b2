"""An independent security scanner's view of the lake that bootstrap makes.

    python -m bench.security_scan [--prowler PATH]

Bootstraps a lake on a local AWS of its own, installs prowler in an environment of its own (2.3 GB, some minutes),
points its checks of S3, RDS and IAM at the local endpoint and prints what failed with severity high or critical; then
the same with the lake as the document has it. docs/decisions/0005-security-scan.md explains each exception of the
default. Exit 1 if there is one that it does not name.
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

from bench.command_line import Footlake

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = (ROOT / "docs/decisions/0005-security-scan.md").read_text()
Finding = tuple[str, str, str]  # severity, check, resource
SERVICES = ("s3", "rds", "iam")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prowler", type=Path, help="A prowler that is there already.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        prowler = options.prowler or install(Path(folder) / "venv")
        default = scanned(prowler, Path(folder) / "default")
        documented = scanned(prowler, Path(folder) / "documented", "--as-documented")
    unexplained = {finding for finding in default if finding[1] not in EXPLAINED}
    print(f"{'default':<12} {'as documented':<14} {'severity':<9} check, resource")
    for finding in sorted(default | documented):
        severity, check, resource = finding
        here = "" if finding not in default else "UNEXPLAINED" if finding in unexplained else "explained"
        print(f"{here:<12} {'yes' if finding in documented else '':<14} {severity:<9} {check}, {resource}")
    print(f"{len(default)} findings of severity high or critical, {len(unexplained)} unexplained;", end=" ")
    print(f"{len(documented)} as documented")
    sys.exit(bool(unexplained))


def scanned(prowler: Path, folder: Path, *options: str) -> set[Finding]:
    """What prowler finds in a lake that bootstrap makes with these options."""
    with Footlake.of_its_own() as footlake:
        footlake.run("bootstrap", *options)
        return scan(prowler, footlake.endpoint, folder)


def install(folder: Path) -> Path:
    """A prowler of one's own."""
    print("installing prowler …", file=sys.stderr)
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", "prowler"], check=True)
    return folder / "bin/prowler"


def scan(prowler: Path, endpoint: str, output: Path) -> set[Finding]:
    """What failed, high and critical, on resources."""
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
