"""An order of clips that comes from the clips, so that no fit depends on the order of files."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from unmuted.training.clip_arrays import ClipArray


def stable_hash(*parts: object) -> int:
    """Return a signed 64-bit hash of the parts, the same in every process and on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def hash_keys(keys: Sequence[str]) -> np.ndarray:
    """Return a hash for each key, int64 (N,), for files that can hold numbers only."""
    return np.array([stable_hash(key) for key in keys], dtype=np.int64)


def content_order(keys: Sequence[str], *arrays: ClipArray) -> np.ndarray:
    """Return indices (N,) that sort clips by key, and those of one key by their rows in `arrays`.

    Rows are compared by their bytes.
    """
    clips_of = Counter(keys)

    def rank(i: int) -> tuple[str, bytes]:
        if clips_of[keys[i]] == 1:
            return keys[i], b""
        rows = hashlib.blake2b(digest_size=16)
        for array in arrays:
            rows.update(array[i : i + 1].tobytes())
        return keys[i], rows.digest()

    return np.array(sorted(range(len(keys)), key=rank), dtype=np.int64)
