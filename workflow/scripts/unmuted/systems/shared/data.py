"""The arrays that the generator reads: padded, the large ones memory-mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from unmuted.errors import UserError
from unmuted.training.clip_arrays import MemmapWriter, memmap_stack


@dataclass(frozen=True)
class ClipInputs:
    """The inputs of one clip."""

    key: str  # from the clip's content, not its name: it orders the clips and seeds their noise
    group: str  # source group
    visual: np.ndarray  # float32 (T, Dv), RGB and flow features side by side
    captions: np.ndarray  # float32 (R, E)
    steps: np.ndarray  # int64 (R,), the captions' time steps
    audio: np.ndarray | None = None  # float32 (T, A), projected; None without usable sound
    tokens: Sequence[np.ndarray] | None = None  # R arrays of token ids, to train the encoder too
    scores: np.ndarray | None = None  # float32 (L,), AST's label scores; None without usable sound


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
    scores: np.ndarray  # float32 (N, L), zeros where there is no usable sound; L = 0 if not read
    tokens: np.ndarray | None = None  # int64 (U, W), token ids of `texts`, -1 where padded

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, indices: np.ndarray) -> GeneratorData:
        """Copy the clips at `indices` (int, or bool (N,)) into memory, in that order."""
        chosen = np.arange(len(self))[indices]
        picked: dict[str, Any] = {
            f.name: tuple(getattr(self, f.name)[i] for i in chosen)
            if f.name in ("keys", "groups")
            else getattr(self, f.name)[chosen]
            for f in fields(self)
            if f.name not in ("texts", "tokens")
        }
        return replace(self, **picked)


def collate(
    clips: Iterable[ClipInputs], audio_dim: int, max_captions: int, labels: int = 0
) -> GeneratorData:
    """Pad the captions of each clip to `max_captions` = R; features are memory-mapped.

    labels: L, how many scores a clip with sound has; 0: none are read.
    Reads one clip after the other, so that they need not be in memory together. Training and
    generated audio do not depend on R. Raises UserError if a clip has more captions, or if the
    arrays of different clips do not fit together.
    """
    visual, audio, first = MemmapWriter(), MemmapWriter(), None
    scores = MemmapWriter()
    names, caption_rows = [], []
    for clip in clips:
        if first is None:
            first, texts = clip, _Texts(clip.captions.shape[1])
        _check_shapes(clip, first, audio_dim, max_captions)
        visual.append(clip.visual)
        silence = np.zeros((len(clip.visual), audio_dim))
        audio.append(silence if clip.audio is None else clip.audio)
        if labels:
            scores.append(np.zeros(labels) if clip.scores is None else clip.scores)
        names.append((clip.key, clip.group, clip.audio is not None))
        caption_rows.append((texts.add(clip.captions, clip.tokens), clip.steps))
    if first is None:
        raise UserError("the generator was given no clips")
    keys, groups, has_audio = zip(*names, strict=True)
    distinct, place, tokens = texts.in_order(first.tokens is not None)
    captions, steps = np.zeros((2, len(names), max_captions), dtype=np.int64)
    mask = np.zeros((len(names), max_captions), dtype=bool)
    for i, (rows, clip_steps) in enumerate(caption_rows):
        count = len(rows)
        captions[i, :count], steps[i, :count], mask[i, :count] = place[rows], clip_steps, True
    return GeneratorData(
        keys=keys,
        groups=groups,
        visual=visual.array(),
        texts=distinct,
        captions=captions,
        steps=steps,
        mask=mask,
        audio=audio.array(),
        has_audio=np.array(has_audio),
        scores=scores.array() if labels else np.zeros((len(names), 0), np.float32),
        tokens=tokens,
    )


class _Texts:
    """The distinct captions, memory-mapped, and their tokens if there are any.

    Frames of a clip, and clips of a class, often have equal captions: attention over labels is
    computed once for each text. Sorted by their bytes, the order of texts does not depend on other
    texts; the row of zeros for padding comes first.
    """

    def __init__(self, text_dim: int) -> None:
        self._file = MemmapWriter()
        self._row_of: dict[bytes, int] = {}  # by the digest of the text, in the order of arrival
        self._tokens: dict[int, tuple[int, ...]] = {}
        self.add(np.zeros((1, text_dim)), None)

    def add(self, captions: np.ndarray, tokens: Sequence[np.ndarray] | None) -> np.ndarray:
        """Add a clip's captions (R, E); returns their rows int64 (R,), in the order of arrival."""
        rows = [self._row(caption) for caption in captions.astype(np.float32)]
        for ids, row in zip(tokens or (), rows, strict=tokens is not None):
            tokens_of_text = tuple(int(i) for i in ids)
            self._tokens[row] = min(self._tokens.get(row, tokens_of_text), tokens_of_text)
        return np.array(rows, dtype=np.int64)

    def _row(self, caption: np.ndarray) -> int:
        digest = hashlib.blake2b(caption.tobytes(), digest_size=16).digest()
        if digest not in self._row_of:
            self._row_of[digest] = len(self._row_of)
            self._file.append(caption)
        return self._row_of[digest]

    def in_order(self, tokenized: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the texts (U, E) sorted by bytes, the place of each row, and their tokens."""
        texts = self._file.array()
        order = np.argsort(texts.view(f"V{texts[0].nbytes}")[:, 0], kind="stable")
        place = np.argsort(order)
        tokens = self._padded_tokens(place) if tokenized else None
        return memmap_stack(texts[row] for row in order), place, tokens

    def _padded_tokens(self, place: np.ndarray) -> np.ndarray:
        """Return token ids (U, W) in order; the row for padding has none."""
        width = max((len(ids) for ids in self._tokens.values()), default=1)
        padded = np.full((len(place), width), -1, np.int64)
        for row, ids in self._tokens.items():
            padded[place[row], : len(ids)] = ids
        return padded


def _check_shapes(clip: ClipInputs, first: ClipInputs, audio_dim: int, max_captions: int) -> None:
    """Raise UserError naming the clip and the array that does not fit those of the first clip."""
    visual, text_dim = first.visual.shape, first.captions.shape[1]
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
    if (clip.tokens is None) != (first.tokens is None):
        raise UserError(f"clips {clip.key} and {first.key}: only one has tokens of captions")
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
