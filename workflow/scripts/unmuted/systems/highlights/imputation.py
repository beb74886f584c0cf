"""What stands in for the sound of a recording: nothing of its own, nor of a test match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.config.highlights import NeighbourSettings
from unmuted.errors import UserError
from unmuted.systems.highlights.recordings import Recording
from unmuted.training.order import hash_keys, stable_hash

ROWS_AT_ONCE = 2048  # steps: 70 MB of sums of 2048 features
LOOKED_UP_AT_ONCE = 256  # steps, each of which is compared with the whole bank
MOST_SWAPPED = 16  # recordings that lend their sound, at most


@dataclass(frozen=True)
class SoundBank:
    """Steps of training matches with sound, to look up sound by the picture.

    visual: standardised and of unit length, float32 (N, F). sound: float32 (N, A). match: hash of
    the match of each, int64 (N,). mean, scale: of the features, (F,).
    """

    visual: np.ndarray
    sound: np.ndarray
    match: np.ndarray
    mean: np.ndarray
    scale: np.ndarray


def build_bank(
    recordings: Sequence[Recording], rate: float, settings: NeighbourSettings
) -> SoundBank:
    """Take evenly spaced steps with picture and sound of training recordings.

    Raises UserError if there are none.
    """
    usable = [np.flatnonzero(r.shown & r.has_sound) for r in recordings]
    every = max(1, -(-sum(map(len, usable)) // settings.bank))
    visual, sound, match = [], [], []
    for recording, steps in zip(recordings, usable, strict=True):
        chosen = steps[::every]
        if not len(chosen):
            continue
        context = np.concatenate(list(_context(recording, rate, settings.seconds)))
        visual.append(context[chosen])
        sound.append(recording.sound[0 : recording.steps][chosen])
        match.append(np.repeat(hash_keys([recording.match]), len(chosen)))
    if not visual:
        raise UserError("no training match has picture and sound: there is no sound to look up")
    features = np.concatenate(visual)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-6] = 1.0
    return SoundBank(
        _unit((features - mean) / scale),
        np.concatenate(sound).astype(np.float32),
        np.concatenate(match),
        mean,
        scale,
    )


def retrieve_sound(
    recording: Recording, bank: SoundBank, rate: float, settings: NeighbourSettings
) -> np.ndarray:
    """Average the sound of the steps of *other* matches that look most alike: float32 (S, A).

    Raises UserError if the bank has no other match.
    """
    allowed = bank.match != hash_keys([recording.match])[0]
    if not allowed.any():
        raise UserError(f"{recording.name}: no other training match has sound that could be taken")
    visual, sound = bank.visual[allowed], bank.sound[allowed]
    k = min(settings.k, len(visual))
    rows = []
    for block in _context(recording, rate, settings.seconds):
        for start in range(0, len(block), LOOKED_UP_AT_ONCE):
            features = block[start : start + LOOKED_UP_AT_ONCE]
            distance = _unit((bank.mean - features) / bank.scale) @ visual.T  # -cosine, (n, N)
            nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
            rows.append(sound[np.sort(nearest, axis=1)].mean(axis=1))
    return np.concatenate(rows).astype(np.float32)


@dataclass(frozen=True)
class SwapPool:
    """The sound of some training recordings with sound, for swapping.

    keys, matches: hashes of each, int64 (P,). sound: projected, float32 (S_p, A) of each.
    """

    keys: np.ndarray
    matches: np.ndarray
    sound: Sequence[np.ndarray]


def build_pool(recordings: Sequence[Recording], most: int = MOST_SWAPPED) -> SwapPool:
    """Take the first recordings with sound by hash of content, so their order does not matter."""
    chosen = sorted(
        (r for r in recordings if r.has_sound.any()),
        key=lambda r: (stable_hash("swap", r.key), r.key),
    )[:most]
    return SwapPool(
        hash_keys([r.key for r in chosen]),
        hash_keys([r.match for r in chosen]),
        [r.sound[0 : r.steps][r.has_sound].astype(np.float32) for r in chosen],
    )


def swapped_sound(recording: Recording, pool: SwapPool, seed: int) -> np.ndarray:
    """Return the sound of a training recording of another match: float32 (S, A).

    By hash; it is repeated to the length. Raises UserError if there is no other match.
    """
    allowed = np.flatnonzero(pool.matches != hash_keys([recording.match])[0])
    if not len(allowed):
        raise UserError(f"{recording.name}: no other training match has sound to swap with")
    partner = min(
        allowed.tolist(),
        key=lambda i: stable_hash("partner", seed, recording.key, int(pool.keys[i])),
    )
    sound = pool.sound[partner]
    return np.resize(sound, (recording.steps, sound.shape[1]))


def _context(recording: Recording, rate: float, seconds: float) -> Iterator[np.ndarray]:
    """Yield the features of every step averaged over the steps around it, in blocks of rows."""
    reach = round(seconds * rate / 2)
    for start in range(0, recording.steps, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, recording.steps)
        first, last = max(start - reach, 0), min(stop + reach, recording.steps)
        rows = recording.visual[first:last].astype(np.float64)
        shown = recording.shown[first:last]
        sums = np.cumsum(np.vstack([np.zeros((1, rows.shape[1])), rows * shown[:, None]]), axis=0)
        counts = np.concatenate([[0], np.cumsum(shown)])
        steps = np.arange(start, stop)
        begin = np.maximum(steps - reach, first) - first
        end = np.minimum(steps + reach + 1, last) - first
        total = np.maximum(counts[end] - counts[begin], 1)
        yield ((sums[end] - sums[begin]) / total[:, None]).astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(length, 1e-9)).astype(np.float32)
