"""The transcript of an acceptance run: commands, their output, and AWS's answers without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_ANSWER = 4000  # characters; longer answers are cut
# Access keys, e-mail and IPv4 addresses. The account's id and the values of secret variables are replaced as well.
SECRETS = (
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b"), "ACCESS-KEY"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "someone@example.org"),
    (re.compile(r"\b(?!127\.0\.0\.1\b|0\.0\.0\.0\b)\d{1,3}(\.\d{1,3}){3}\b"), "203.0.113.7"),
)
EXAMPLE_ACCOUNT = "123456789012"


@dataclass
class Transcript:
    """A text file to which commands and calls are appended. `secrets` are texts that must not get into it."""

    file: Path
    secrets: Mapping[str, str] = field(default_factory=dict)

    def heading(self, text: str) -> None:
        """Write a line that begins a section."""
        self._write(f"\n## {text}\n")

    def lines(self, lines: Iterable[str]) -> None:
        """Write lines of output."""
        self._write("".join(f"    {line}\n" for line in lines))

    def calls(self, calls: Iterable[Mapping[str, Any]]) -> None:
        """Write a line for each call of AWS: operation, status, error, parameters and answer."""
        for call in calls:
            error = call["error"]
            refusal = f" {error.get('Code', '')}: {error.get('Message', '')}" if error else ""
            self._write(f"{call['service']}:{call['operation']} {call['status']}{refusal}\n")
            for sign, member in ((">", "parameters"), ("<", "answer")):
                self._write(f"    {sign} {json.dumps(call['shown'][member])[:MAX_ANSWER]}\n")

    def _write(self, text: str) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(self.redact(text))

    def redact(self, text: str) -> str:
        """Replace secrets, addresses and the account's id."""
        for secret, replacement in self.secrets.items():
            text = text.replace(secret, replacement)
        for pattern, replacement in SECRETS:
            text = pattern.sub(replacement, text)
        return text
