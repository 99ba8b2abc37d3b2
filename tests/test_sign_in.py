"""Signing in to AWS: renewal of tokens, roles that require MFA, and programs that print credentials."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.hooks import HierarchicalEmitter

from footlake.aws import ChangeBlocked
from footlake.deploy.plan import block_changes
from tests.conftest import Cli

ACCOUNT = "123456789012"
MFA_PROFILE = f"""
[profile lake]
region = us-east-1
role_arn = arn:aws:iam::{ACCOUNT}:role/Lake
source_profile = base
mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/anna
"""


@pytest.fixture(scope="module")
def endpoint(cli: Cli) -> str:
    """Start a local AWS with the role `Lake`, and return its endpoint."""
    cli("local", "start")
    iam = cli.lake().client("iam")
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    trust = {"Version": "2012-10-17", "Statement": [allow]}
    iam.create_role(RoleName="Lake", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="Lake", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    return str(cli.json("local", "status")["endpoint"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with the key of a user who may assume the role `Lake`."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(MFA_PROFILE)
    keys = "[base]\naws_access_key_id = footlake-local\naws_secret_access_key = footlake-local\n"
    (tmp_path / ".aws/credentials").write_text(keys)
    return tmp_path


class SignInService(BaseHTTPRequestHandler):
    """IAM Identity Center: CreateToken of SSO OIDC and GetRoleCredentials of the portal."""

    requests: list[str]

    def do_POST(self) -> None:
        self._answer({"accessToken": "renewed", "expiresIn": 28800, "refreshToken": "next", "tokenType": "Bearer"})

    def do_GET(self) -> None:
        expiration = int((datetime.now(UTC) + timedelta(hours=8)).timestamp() * 1000)
        keys = {"accessKeyId": "footlake-local", "secretAccessKey": "x", "sessionToken": "x", "expiration": expiration}
        assert self.headers["x-amz-sso_bearer_token"] == "renewed"
        self._answer({"roleCredentials": keys})

    def _answer(self, document: dict[str, Any]) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.requests.append(f"{self.command} {self.path.partition('?')[0]}")
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def sign_in_service() -> Iterator[tuple[str, list[str]]]:
    """Serve IAM Identity Center; yields its address and the list of its requests."""
    handler = type("Handler", (SignInService,), {"requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.requests  # type: ignore[attr-defined]
        server.shutdown()


def write_sso_token(home: Path, minutes_left: int) -> None:
    """Write the profile of an IAM Identity Center session and its token as `aws sso login` does."""
    (home / ".aws/config").write_text(
        "[profile sso]\nregion = us-east-1\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n"
        "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n"
    )
    now = datetime.now(UTC)
    token = {
        "startUrl": "https://corp.awsapps.com/start",
        "region": "us-east-1",
        "accessToken": "old",
        "expiresAt": f"{now + timedelta(minutes=minutes_left):%Y-%m-%dT%H:%M:%SZ}",
        "clientId": "client",
        "clientSecret": "secret",
        "registrationExpiresAt": f"{now + timedelta(days=60):%Y-%m-%dT%H:%M:%SZ}",
        "refreshToken": "refresh",
    }
    cache = home / ".aws/sso/cache"
    cache.mkdir(parents=True)
    (cache / f"{sha1(b'corp').hexdigest()}.json").write_text(json.dumps(token))


@pytest.mark.parametrize(
    ("command", "minutes_left"), [(("status",), 10), (("doctor",), -10), (("bootstrap", "--plan"), -10)]
)
def test_a_read_only_command_renews_the_token(
    cli: Cli, endpoint: str, home: Path, command: tuple[str, ...], minutes_left: int
) -> None:
    write_sso_token(home, minutes_left)
    with sign_in_service() as (address, requests):
        result = cli(
            *command,
            HOME=str(home),
            AWS_PROFILE="sso",
            AWS_ENDPOINT_URL=endpoint,
            AWS_ENDPOINT_URL_SSO=address,
            AWS_ENDPOINT_URL_SSO_OIDC=address,
        )
    assert "Traceback" not in result.stderr
    assert requests == ["POST /token", "GET /federation/credentials"]
    assert ACCOUNT in result.stdout + result.stderr or result.returncode == 0, result.stderr


@pytest.mark.parametrize("service", ["sso", "sso-oidc", "signin", "sts"])
def test_sign_in_services_are_never_blocked(service: str) -> None:
    session = SimpleNamespace(events=HierarchicalEmitter())
    block_changes(session)
    make_client: Any = boto3.client
    model = make_client(service, "us-east-1").meta.service_model
    for name in model.operation_names:
        event = f"before-call.{model.service_id.hyphenize()}.{name}"
        session.events.emit(event, model=model.operation_model(name))  # raises ChangeBlocked if it is blocked


def test_changes_are_blocked() -> None:
    session: Any = boto3.Session("x", "x", region_name="us-east-1")
    block_changes(session)
    iam = session.client("iam")
    with pytest.raises(ChangeBlocked):
        iam.create_user(UserName="anna")


def mfa_environment(cli: Cli, endpoint: str, home: Path) -> dict[str, str]:
    return cli.environment(HOME=str(home), AWS_PROFILE="lake", AWS_ENDPOINT_URL=endpoint)


def run_without_terminal(environment: dict[str, str], typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `footlake status` in a session without a terminal, with this text on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "footlake", "status"],
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )


def test_a_code_is_asked_for_once_on_a_terminal(cli: Cli, endpoint: str, home: Path) -> None:
    environment = mfa_environment(cli, endpoint, home)

    def run_on_terminal() -> str:
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(sys.executable, [sys.executable, "-m", "footlake", "status"], environment)
        shown = b""
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # the process has ended
                break
            if not chunk:
                break
            shown += chunk
            if shown.endswith(b"mfa/anna: "):
                os.write(terminal, b"123456\n")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
        os.close(terminal)
        return shown.decode()

    assert run_on_terminal().count("Enter MFA code for") == 1
    assert "MFA code" not in run_on_terminal()
    # The AWS CLI uses the same file, named after the parameters of AssumeRole.
    arguments = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Lake", "SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/anna"}
    name = sha1(json.dumps(arguments, sort_keys=True).encode()).hexdigest()
    assert [path.name for path in (home / ".aws/cli/cache").iterdir()] == [f"{name}.json"]
    assert run_without_terminal(environment).returncode == 0


def test_no_code_is_asked_for_without_a_terminal(cli: Cli, endpoint: str, home: Path) -> None:
    environment = mfa_environment(cli, endpoint, home)
    refused = run_without_terminal(environment)
    assert refused.returncode == 1
    assert "Error: The AWS profile requires an MFA code, but there is no terminal" in refused.stderr
    assert "Enter MFA code" not in refused.stderr
    reader, writer = os.pipe()  # standard input that stays empty and open
    try:
        waiting = subprocess.run(
            [sys.executable, "-m", "footlake", "status"],
            env=environment,
            stdin=reader,
            capture_output=True,
            start_new_session=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert waiting.returncode == 1
    assert run_without_terminal(environment, "123456\n").returncode == 0


def program(folder: Path, text: str) -> Path:
    path = folder / "corp-credentials"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('echo "session expired: run corp-login" >&2; exit 1', "session expired: run corp-login"),
        ("echo sign in first", "Expecting value"),
        ("echo [1]", "'list' object"),
        ("""echo '{"Version": 2}'""", "Unsupported version '2'"),
        (
            """echo '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c",
            "Expiration": "2020-01-01T00:00:00Z"}'""",
            "still expired",
        ),
        (None, "No such file or directory: 'corp-credentials'"),
    ],
)
@pytest.mark.parametrize("with_role", [False, True])
def test_the_cause_of_a_failing_credential_process_is_shown(
    cli: Cli, home: Path, script: str | None, words: str, with_role: bool
) -> None:
    command = program(home, script) if script else "corp-credentials"
    profile = f"[profile base]\nregion = us-east-1\ncredential_process = {command}\n"
    role = f"[profile lake]\nregion = us-east-1\nrole_arn = arn:aws:iam::{ACCOUNT}:role/Lake\nsource_profile = base\n"
    (home / ".aws/config").write_text(profile + role)
    (home / ".aws/credentials").unlink()
    profile_name = "lake" if with_role else "base"
    result = cli("--profile", profile_name, "status", HOME=str(home), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert result.returncode == 1
    assert "Error: Cannot get AWS credentials: " in result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_the_local_aws_reads_no_aws_files(cli: Cli, endpoint: str, home: Path) -> None:
    (home / ".aws/config").write_text("this is not a configuration\n")
    variables = {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_RETRY_MODE": "nonsense", "AWS_MAX_ATTEMPTS": "zero"}
    result = cli("--local", "status", HOME=str(home), **variables)
    assert result.returncode == 0, result.stderr
