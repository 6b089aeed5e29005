"""The certificate that both OTLP ports show, and how senders of our own trust exactly it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from spans.errors import SettingsError


@dataclass(frozen=True, slots=True)
class ServerTls:
    """PEM files: the chain, our own certificate first, and its private key without a passphrase."""

    cert: Path
    key: Path

    def check(self) -> None:
        """Read both now rather than at the first connection.

        Raises:
            SettingsError: a file cannot be read, or they do not belong together.
        """
        for path in (self.cert, self.key):
            try:
                path.read_bytes()
            except OSError as error:
                raise SettingsError(f"The TLS file {path} cannot be read: {error.strerror}.") from None
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.cert, self.key, password=_no_passphrase)
        except (ssl.SSLError, ValueError):
            raise SettingsError(
                f"{self.cert} and {self.key} are no certificate and its private key: write both as PEM, "
                "the chain with the server's own certificate first, the key without a passphrase."
            ) from None


def trusting(cert: Path) -> ssl.SSLContext:
    """For a client on this machine that knows the file: this certificate, whatever name stands in it, and no other."""
    context = ssl.create_default_context(cafile=str(cert))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _no_passphrase() -> str:
    """Instead of the library's question on the terminal."""
    raise ValueError
