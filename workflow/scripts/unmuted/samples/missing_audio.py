"""Audio that is declared missing: which clips lose their sound, and what replaces it.

A clip is missing at a rate when its position, a hash of seed and content key in [0, 1), lies below
the rate. So the masks are nested, one mask serves every kind of missing audio, and a new clip
changes no other clip's mask. The price: the share of missing clips is near the rate, not exactly
at it (within 3.5 points of 50 % for 2 in 3 of all sets of 200 clips).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unmuted.errors import UserError
from unmuted.training.order import stable_hash

if TYPE_CHECKING:
    from unmuted.samples.experiment import Clip

KINDS = ("no_stream", "silence", "noise", "swapped")

_POSITIONS = 2**53  # as many as a float in [0, 1) can distinguish
_FULL_SCALE = 32768
_UNIFORM_RMS = 3**-0.5  # of white noise that is uniform over the full scale


def position(key: str, seed: int) -> float:
    """Return the position of a clip in [0, 1): it is missing at every rate above this."""
    return stable_hash("missing", seed, key) % _POSITIONS / _POSITIONS


def is_missing(key: str, seed: int, rate: float) -> bool:
    """Tell whether the clip with this content key has lost its sound at this rate (0 to 1)."""
    _check_rate(rate)
    return position(key, seed) < rate


def missing_table(
    clips: Iterable[Clip],
    seed: int,
    rates: Sequence[float],
    partners: Mapping[str, str] | None = None,
) -> list[dict[str, object]]:
    """Return the masks as rows, one per clip: its position, and 1 for each rate that hides it.

    One mask serves all kinds. `swapped_with` is the swap partner, whose sound the kind "swapped"
    plays; it is empty for clips that have none. has_sound is 0 for clips that never had sound,
    whatever the rate.

    Args:
        clips: in any order; the rows are sorted by video id.
        seed: of the masks.
        rates: shares from 0 to 1.
        partners: the video id of each clip's swap partner, by video id.
    """
    partners = partners or {}
    rates = sorted(set(rates))
    rows = []
    for clip in sorted(clips, key=lambda clip: clip.video_id):
        row: dict[str, object] = {
            "video_id": clip.video_id,
            "split": clip.split or "",
            "key": clip.key,
            "has_sound": int(clip.has_sound),
            "position": f"{position(clip.key, seed):.17f}",
        }
        row |= {f"missing_at_{100 * r:g}": int(is_missing(clip.key, seed, r)) for r in rates}
        rows.append(row | {"swapped_with": partners.get(clip.video_id, "")})
    return rows


def draw_swap_partners(
    keys: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str],
    seed: int,
    is_candidate: Sequence[bool] | None = None,
) -> list[int | None]:
    """Return for each clip the index of its swap partner, of another class and source group.

    The clips form a ring in the order of a hash of seed and content key; each takes the next one
    that is allowed. So nearly every clip is a partner once, the order of the clips does not
    matter, and a new clip changes only the partners of those before it. Of clips that are equal in
    key, label and group only the first is on the ring. None where no clip is allowed.

    Args:
        keys, labels, groups: of N clips.
        seed: of the order on the ring.
        is_candidate: which clips may be partners, all by default. Callers exclude clips without
            usable sound, and training clips whose sound is declared missing.
    """
    ring = _ring(keys, labels, groups, seed, is_candidate)
    places = [place for place, _ in ring]
    partners: list[int | None] = []
    for key, label, group in zip(keys, labels, groups, strict=True):
        start = bisect_right(places, _place(key, label, group, seed))
        after = (ring[(start + step) % len(ring)][1] for step in range(len(ring)))
        allowed = (i for i in after if labels[i] != label and groups[i] != group)
        partners.append(next(allowed, None))
    return partners


def noise_waveform(n: int, rms_db: float, seed_key: str) -> np.ndarray:
    """Make white noise, int16 (n,), with this RMS level in dBFS, the same on every machine.

    The samples are uniformly distributed and come from SHAKE-128 of seed_key; a shorter noise is
    the beginning of a longer one. Uniform noise reaches -4.8 dBFS; a higher level gives that.
    """
    raw = hashlib.shake_128(seed_key.encode()).digest(2 * n)
    even = (np.frombuffer(raw, dtype="<u2").astype(np.float64) + 0.5) / _FULL_SCALE - 1.0
    gain = min(1.0, 10 ** (rms_db / 20) / _UNIFORM_RMS)
    return np.clip(np.rint(even * gain * _FULL_SCALE), -32768, 32767).astype(np.int16)


def _check_rate(rate: float) -> None:
    if not 0 <= rate <= 1:
        raise UserError(f"missing audio: rate is {rate}, expected a share from 0 to 1")


def _place(key: str, label: str, group: str, seed: int) -> tuple[int, str, str, str]:
    return stable_hash("swapped", seed, key), key, label, group


def _ring(
    keys: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str],
    seed: int,
    is_candidate: Sequence[bool] | None,
) -> list[tuple[tuple[int, str, str, str], int]]:
    """Return the places of the candidates on the ring, rising, with the index of each."""
    candidates = [True] * len(keys) if is_candidate is None else is_candidate
    index_of: dict[tuple[int, str, str, str], int] = {}
    for i, (key, label, group, may) in enumerate(
        zip(keys, labels, groups, candidates, strict=True)
    ):
        if may:
            index_of.setdefault(_place(key, label, group, seed), i)
    return sorted(index_of.items())
