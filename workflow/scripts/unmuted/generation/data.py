"""The clips as the generator sees them: padded arrays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from unmuted.errors import UserError


@dataclass(frozen=True)
class ClipInputs:
    """What the generator reads of one clip."""

    key: str  # from the clip's content, not its name: it orders the clips and seeds their noise
    group: str  # source group
    visual: np.ndarray  # float32 (T, Dv), RGB and flow features side by side
    captions: np.ndarray  # float32 (R, E)
    steps: np.ndarray  # int64 (R,), the captions' time steps
    audio: np.ndarray | None = None  # float32 (T, A), projected; None without usable sound
    tokens: Sequence[np.ndarray] | None = None  # R arrays of token ids, to train the encoder too


@dataclass(frozen=True)
class GeneratorData:
    """N clips, padded to R representative frames each. `collate` makes it from single clips."""

    keys: tuple[str, ...]
    groups: tuple[str, ...]
    visual: np.ndarray  # float32 (N, T, Dv)
    texts: np.ndarray  # float32 (U, E), the distinct captions, sorted; row 0 is zeros
    captions: np.ndarray  # int64 (N, R), rows of `texts`, 0 where padded
    steps: np.ndarray  # int64 (N, R), zeros where padded
    mask: np.ndarray  # bool (N, R)
    audio: np.ndarray  # float32 (N, T, A), zeros where there is no usable sound
    has_audio: np.ndarray  # bool (N,)
    tokens: np.ndarray | None = None  # int64 (U, W), token ids of `texts`, -1 where padded

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, indices: np.ndarray) -> GeneratorData:
        """The clips at `indices` (int, or bool (N,)), in that order."""
        chosen = np.arange(len(self))[indices]
        picked = {
            f.name: tuple(getattr(self, f.name)[i] for i in chosen)
            if f.name in ("keys", "groups")
            else getattr(self, f.name)[chosen]
            for f in fields(self)
            if f.name not in ("texts", "tokens")
        }
        return replace(self, **picked)


def collate(clips: Sequence[ClipInputs], audio_dim: int, max_captions: int) -> GeneratorData:
    """Pad the captions of each clip to `max_captions` = R.

    What is learnt and generated does not depend on R. Raises UserError where a clip has more
    captions, or where arrays of different clips do not fit together.
    """
    if not clips:
        raise UserError("the generator was given no clips")
    (steps_in_clip, visual_dim), text_dim = clips[0].visual.shape, clips[0].captions.shape[1]
    n, r = len(clips), max_captions
    for clip in clips:
        _check_shapes(clip, (steps_in_clip, visual_dim), text_dim, audio_dim, max_captions)
        if (clip.tokens is None) != (clips[0].tokens is None):
            raise UserError(f"clips {clips[0].key} and {clip.key}: only one has tokens of captions")
    texts, rows = _distinct([clip.captions for clip in clips], text_dim)
    captions, steps = np.zeros((2, n, r), dtype=np.int64)
    mask = np.zeros((n, r), dtype=bool)
    audio = np.zeros((n, steps_in_clip, audio_dim), dtype=np.float32)
    for i, clip in enumerate(clips):
        count = len(clip.captions)
        captions[i, :count], steps[i, :count], mask[i, :count] = rows[i], clip.steps, True
        if clip.audio is not None:
            audio[i] = clip.audio
    return GeneratorData(
        keys=tuple(clip.key for clip in clips),
        groups=tuple(clip.group for clip in clips),
        visual=np.stack([clip.visual for clip in clips]).astype(np.float32),
        texts=texts,
        captions=captions,
        steps=steps,
        mask=mask,
        audio=audio,
        has_audio=np.array([clip.audio is not None for clip in clips]),
        tokens=_padded_tokens(clips, rows, len(texts)) if clips[0].tokens is not None else None,
    )


def _distinct(captions: Sequence[np.ndarray], text_dim: int) -> tuple[np.ndarray, list[list[int]]]:
    """Distinct captions (U, E) and their row numbers in each clip.

    Frames of a clip, and clips of a class, often say the same: attention over labels is computed
    once for each text. Sorted by their bytes, texts keep their order whatever else there is beside
    them; the row of zeros for padding comes first.
    """
    raw = [[row.tobytes() for row in clip.astype(np.float32)] for clip in captions]
    padding = np.zeros(text_dim, dtype=np.float32).tobytes()
    known = sorted({padding, *(text for clip in raw for text in clip)})
    row_of = {text: row for row, text in enumerate(known)}
    texts = np.frombuffer(b"".join(known), dtype=np.float32).reshape(-1, text_dim)
    return texts, [[row_of[text] for text in clip] for clip in raw]


def _padded_tokens(
    clips: Sequence[ClipInputs], rows: Sequence[Sequence[int]], count: int
) -> np.ndarray:
    """Token ids (count, W) of the distinct texts; none for the row that stands for padding."""
    of_row: dict[int, tuple[int, ...]] = {}
    for clip, of_clip in zip(clips, rows, strict=True):
        for ids, row in zip(clip.tokens, of_clip, strict=True):
            of_row[row] = min(of_row.get(row, tuple(ids)), tuple(ids))
    padded = np.full((count, max((len(ids) for ids in of_row.values()), default=1)), -1, np.int64)
    for row, ids in of_row.items():
        padded[row, : len(ids)] = ids
    return padded


def _check_shapes(
    clip: ClipInputs, visual: tuple[int, int], text_dim: int, audio_dim: int, max_captions: int
) -> None:
    """Raise UserError naming the clip and the array that does not fit the others."""
    expected = {
        "visual": visual,
        "captions": (len(clip.steps), text_dim),
        "audio": (visual[0], audio_dim),
    }
    for name, shape in expected.items():
        array = getattr(clip, name)
        if array is not None and array.shape != shape:
            raise UserError(f"clip {clip.key}: {name} has shape {array.shape}, expected {shape}")
        if array is not None and not np.isfinite(array).all():
            raise UserError(f"clip {clip.key}: {name} holds values that are not finite")
    if clip.tokens is not None and len(clip.tokens) != len(clip.steps):
        raise UserError(
            f"clip {clip.key}: tokens of {len(clip.tokens)} captions, expected {len(clip.steps)}"
        )
    if len(clip.steps) > max_captions:
        raise UserError(
            f"clip {clip.key}: {len(clip.steps)} captions, at most {max_captions} expected"
        )
    if np.any(clip.steps < 0) or np.any(clip.steps >= visual[0]):
        raise UserError(f"clip {clip.key}: caption steps outside 0..{visual[0] - 1}")
