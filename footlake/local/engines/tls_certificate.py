"""Create the TLS key and the self-signed certificate of the local database servers."""

from __future__ import annotations

import ipaddress
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

CERTIFICATE_FILE = "certificate.pem"
KEY_FILE = "key.pem"


def create_tls_files(folder: Path) -> None:
    """Create a key and a self-signed certificate in `folder`, both or neither, unless the folder exists."""
    if folder.exists():
        return
    partial = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    key, certificate = _generate_certificate()
    write_secret(partial / KEY_FILE, key)
    (partial / CERTIFICATE_FILE).write_bytes(certificate)
    partial.rename(folder)


def write_secret(path: Path, content: bytes) -> None:
    """Create a file that only its owner can read. Raises FileExistsError if it exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _generate_certificate() -> tuple[bytes, bytes]:
    """Return a new private key and its certificate for 127.0.0.1, both in PEM form."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "footlake local database")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private_key = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private_key, certificate.public_bytes(pem)
