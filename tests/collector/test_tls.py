"""Both OTLP ports of a real receiver with a certificate of their own (lines 5 and 46 of the conformance checklist)."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.receiver import Receiver, ReceiverSettings
from collector.tls import ServerTls, trusting
from spans.errors import SettingsError
from tests.collector.helpers import Place, traces

PROTOBUF = {"content-type": "application/x-protobuf"}
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def a_certificate(folder: Path, name: str = "localhost") -> ServerTls:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    named = dated.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = ServerTls(folder / f"{name}.pem", folder / f"{name}.key")
    made.cert.write_bytes(named.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return made


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ServerTls:
    return a_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def served(shared_place: Place, tls: ServerTls) -> Iterator[Receiver]:
    receiver = Receiver(
        ReceiverSettings(
            spool=shared_place.spool,
            keys=shared_place.keys,
            ledger_url=shared_place.ledger,
            status_path=shared_place.status,
            ready_path=shared_place.ready,
            grpc_port=0,
            http_port=0,
            tls=tls,
        )
    )
    receiver.start()
    yield receiver
    receiver.stop()


def names(place: Place) -> set[str]:
    return {span.name for span in place.kept().spans()}


def test_5_grpc_over_tls_is_received(served: Receiver, tls: ServerTls, shared_place: Place) -> None:
    trust = grpc.ssl_channel_credentials(tls.cert.read_bytes())
    with grpc.secure_channel(f"localhost:{served.grpc_port}", trust) as channel:
        assert channel.unary_unary(TRACES)(traces("over tls").SerializeToString(), timeout=10) == b""
    assert "over tls" in names(shared_place)


def test_46_a_large_body_over_https_behind_any_path_is_received(
    served: Receiver, tls: ServerTls, shared_place: Place
) -> None:
    body = traces(*["large"] * 64, text="x" * 65_536).SerializeToString()
    assert len(body) > 4 << 20
    connection = HTTPSConnection("127.0.0.1", served.http_port, timeout=20, context=trusting(tls.cert))
    connection.request("POST", "/team/a/otlp/v1/traces", body, PROTOBUF)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.close()
    assert "large" in names(shared_place)


def test_what_speaks_no_tls_or_trusts_another_certificate_is_not_received(served: Receiver, tmp_path: Path) -> None:
    plain = HTTPConnection("127.0.0.1", served.http_port, timeout=10)
    plain.request("POST", "/v1/traces", b"", PROTOBUF)
    with pytest.raises((HTTPException, OSError)):
        plain.getresponse()
    plain.close()
    other = HTTPSConnection("127.0.0.1", served.http_port, context=trusting(a_certificate(tmp_path).cert))
    with pytest.raises(ssl.SSLCertVerificationError):
        other.request("POST", "/v1/traces", b"", PROTOBUF)
    other.close()
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary(TRACES)(b"", timeout=5)


def test_a_certificate_that_cannot_be_used_is_one_sentence(tls: ServerTls, tmp_path: Path) -> None:
    other = a_certificate(tmp_path, "other")
    tls.check()
    with pytest.raises(SettingsError, match="private key"):
        ServerTls(tls.cert, other.key).check()
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        ServerTls(tmp_path / "none.pem", tls.key).check()
    with pytest.raises(SettingsError, match="without a passphrase"):
        ServerTls(tls.key, tls.key).check()
