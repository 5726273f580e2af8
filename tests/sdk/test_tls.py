"""HTTPS: a server that is not trusted gets nothing, one that is gets everything."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sojourn import Client, Delivery


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1, with its key, in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8
    file.write_bytes(
        key.private_bytes(pem, private, serialization.NoEncryption()) + made.public_bytes(pem)
    )
    return file


@pytest.fixture
def secure_stub(certificate: Path, stub: Any) -> Iterator[Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = type(stub)(context)
    yield server
    server.stop()


def test_events_go_over_tls_with_the_programs_context(secure_stub: Any, certificate: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificate))
    with Client("key", secure_stub.url, ssl_context=context, strict=True) as client:
        sent = [client.track(f"E{n}", user_id="u") for n in range(250)]
        assert client.flush(20)
    assert secure_stub.ids == sent
    assert secure_stub.connections == 1


def test_a_certificate_that_is_not_trusted_is_no_server(secure_stub: Any) -> None:
    client = Client("key", secure_stub.url, delivery=Delivery(interval=0.01), strict=True)
    client.track("E", user_id="u")
    assert not client.flush(0.5)
    assert "CERTIFICATE_VERIFY_FAILED" in str(client.stats.last_error)
    assert client.stats.queued == 1
    client.close(0)
    assert secure_stub.requests == []
