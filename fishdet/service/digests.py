"""Secrets are kept as digests only."""

from __future__ import annotations

import hashlib
import hmac


def digest(secret: str) -> str:
    """Return the SHA-256 (hex) of a key or token: only that is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(secret: str, kept: str) -> bool:
    """Whether a secret has the digest ``kept``, compared in constant time."""
    return hmac.compare_digest(digest(secret), kept)
