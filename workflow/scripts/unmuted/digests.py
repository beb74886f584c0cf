"""Digests of bytes, files and JSON values."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def digest_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data`, cut to 128 bits, as 32 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()[:32]


def digest_json(value: object) -> str:
    """Return the digest of a JSON value, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return digest_bytes(text.encode())


def digest_file(path: Path) -> str:
    """Return the digest of a file's bytes, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
