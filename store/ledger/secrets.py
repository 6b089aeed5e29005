"""Secrets we hand out once and keep only as digests: API keys, links, sessions."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32
KEY_PREFIX = "tt_"
"""How every API key of ours begins, so that a foreign credential can be told from a wrong key."""


def new_id() -> str:
    """A short random id, 12 hex digits: unique in any ledger, harmless to show."""
    return secrets.token_hex(6)


def new_secret(prefix: str) -> str:
    """A prefix and 256 random bits in 43 URL-safe characters."""
    return prefix + secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(secret: str) -> str:
    """What is stored of a secret: 64 hex digits.

    A fast hash is right for 256 random bits; slow ones are for passwords (reliability reference, section 2.2).
    The prefix keeps these digests apart from any other use of SHA-256.
    """
    return hashlib.sha256(b"tracetape secret 1\x00" + secret.encode("utf-8", "surrogatepass")).hexdigest()
