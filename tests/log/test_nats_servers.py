"""The log on other set-ups of NATS: a cluster of three, TLS."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sojourn.core.errors import LogUnavailable
from sojourn.core.ports import Entry
from sojourn.log.jetstream.server import NatsServer
from sojourn.log.nats_log import NatsLog
from sojourn.testing.log_suite import last_of, numbered, read_all
from sojourn.testing.nats_server import NatsServerProcess, free_port

from ..nats_or_skip import nats_or_skip

PATIENCE_S = 60


@pytest.mark.slow
async def test_a_cluster_of_three_goes_on_without_one_of_them() -> None:
    ports = [free_port() for _ in range(3)]
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports)
    with ExitStack() as stack:
        servers: list[NatsServerProcess] = []
        for number, port in enumerate(ports):
            cluster = f"name: c, listen: 127.0.0.1:{port}, routes: [{routes}]"
            extra = f"server_name: s{number}\ncluster {{ {cluster} }}"
            servers.append(stack.enter_context(nats_or_skip(extra)))
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        where = NatsServer.of(f"nats://{hosts}/shop", replicas=3)
        log = await asyncio.to_thread(NatsLog, where, {"raw": 2}, deadline_s=PATIENCE_S)
        try:
            await log.append("raw", numbered(10))
            reader = log.reader("raw", "r")
            await reader.commit(last_of(await read_all(reader, 10)))
            for dead in servers:
                dead.kill()
                for number in range(5):
                    await log.append("raw", numbered(1, f"k{number}", start=100 + number))
                dead.start()
            found = []
            deadline = time.monotonic() + PATIENCE_S
            while len(found) < 15 and time.monotonic() < deadline:
                found += await reader.read(1 << 20, 1)
            assert sorted(int(entry.value) for entry in found) == sorted([*range(100, 105)] * 3)
            # A consumer may be on a server that has not caught up yet.
            async with asyncio.timeout(PATIENCE_S):
                while (await log.reader("raw", "r").lag()).entries != 15:
                    await asyncio.sleep(0.1)
        finally:
            await log.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nats")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file


async def test_the_log_speaks_tls_and_trusts_only_the_given_certificates(tmp_path: Path) -> None:
    key, trusted = certificate(tmp_path)
    extra = f'tls {{ cert_file: "{trusted}", key_file: "{key}" }}'
    with nats_or_skip(extra) as server:
        url = server.url.replace("nats://", "tls://")
        log = NatsLog(NatsServer.of(url, ca=str(trusted)))
        await log.append("raw", numbered(3))
        assert len(await read_all(log.reader("raw", "r"), 3)) == 3
        await log.close()
        with pytest.raises(LogUnavailable, match=r"(?i)certificate"):
            NatsLog(NatsServer.of(url), deadline_s=2)


async def test_the_permissions_that_the_documentation_names_are_enough() -> None:
    permissions = 'publish: ["$JS.API.>", "shop.>", "$KV.shop.>"], subscribe: ["_INBOX.>"]'
    user = f"{{ user: shop, password: geheim, permissions: {{ {permissions} }} }}"
    with nats_or_skip(f"authorization {{ users: [ {user} ] }}") as server:
        where = NatsServer.of(f"{server.url}/shop", user="shop", password="geheim")
        log = NatsLog(where, {"raw": 2})
        await log.append("raw", [*numbered(3), Entry("k", bytes(3_000_000))])
        reader = log.reader("raw", "r")
        await reader.commit(last_of(await read_all(reader, 4)))
        assert (await reader.lag()).entries == 0
        assert await log.rewrite("raw", lambda v: b"" if v == b"1" else None, id) == 1
        await log.close()
