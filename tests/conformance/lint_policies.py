"""Analyse IAM policies with parliament: a script for the virtual environment that has it.

Reads a JSON object, name → policy, from the standard input. Writes a list of findings: name, issue, detail.
"""

import json
import sys

import parliament

findings = [
    [name, finding.issue, str(finding.detail)]
    for name, policy in json.load(sys.stdin).items()
    for finding in parliament.analyze_policy_string(json.dumps(policy)).findings
]
json.dump(findings, sys.stdout)
