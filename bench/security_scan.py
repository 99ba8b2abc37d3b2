"""An independent security scanner's view of the lake that bootstrap makes.

    python bench/security_scan.py [--as-documented]

Bootstraps a lake on a local AWS of its own, installs prowler in an environment of its own (2.3 GB, some minutes),
points its checks of S3, RDS and IAM at the local endpoint and prints what failed with severity high or critical.
docs/decisions/0005-security-scan.md explains each exception. Exit 1 if there is one that it does not name.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = (ROOT / "docs/decisions/0005-security-scan.md").read_text()
SERVICES = ("s3", "rds", "iam")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-documented", action="store_true")
    parser.add_argument("--prowler", type=Path, help="A prowler that is there already.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        prowler = options.prowler or install(Path(folder) / "venv")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FOOTLAKE_"))}
        environment = kept | {"FOOTLAKE_LOCAL_DIR": f"{folder}/aws"}
        if options.as_documented:
            environment["FOOTLAKE_AS_DOCUMENTED"] = "true"
        footlake = [sys.executable, "-m", "footlake", "--local", "--output", "json"]
        try:
            subprocess.run([*footlake, "bootstrap"], env=environment, check=True, stdout=subprocess.DEVNULL)
            status = subprocess.run(
                [*footlake, "local", "status"], env=environment, check=True, capture_output=True, text=True
            )
            findings = scan(prowler, json.loads(status.stdout)["endpoint"], Path(folder) / "out")
        finally:
            subprocess.run([*footlake, "local", "stop"], env=environment, check=False, stdout=subprocess.DEVNULL)
    unexplained = 0
    for finding in findings:
        explained = finding["CHECK_ID"] in EXPLAINED
        unexplained += not explained
        mark = "explained" if explained else "UNEXPLAINED"
        print(f"{mark:<12} {finding['SEVERITY']:<9} {finding['CHECK_ID']:<45} {finding['RESOURCE_UID']}")
    print(f"{len(findings)} findings of severity high or critical, {unexplained} unexplained")
    sys.exit(unexplained > 0)


def install(folder: Path) -> Path:
    """A prowler of one's own."""
    print("installing prowler …", file=sys.stderr)
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", "prowler"], check=True)
    return folder / "bin/prowler"


def scan(prowler: Path, endpoint: str, output: Path) -> list[dict[str, str]]:
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
    return [row for row in rows if row["STATUS"] == "FAIL" and row["SEVERITY"] in ("high", "critical")]


if __name__ == "__main__":
    main()
