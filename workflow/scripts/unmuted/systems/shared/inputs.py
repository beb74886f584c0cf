"""Clips of an experiment as the inputs of a generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from unmuted.samples.experiment import Clip
from unmuted.systems.shared.data import ClipInputs, GeneratorData, collate
from unmuted.systems.shared.projection import Projection

NO_CAPTIONS: Mapping[str, np.ndarray] = {
    "embeddings": np.zeros((0, 1), np.float32),
    "steps": np.zeros(0, np.int64),
}
Tokenize = Callable[[Sequence[str]], list[np.ndarray]]


def generator_data(
    clips: Sequence[Clip],
    projection: Projection,
    time_steps: int,
    tokenize: Tokenize | None = None,
    reads_captions: bool = True,
    labels: int = 0,
) -> GeneratorData:
    """Read the clips as memory-mapped arrays; any frame may be representative, so R = T.

    tokenize: turns captions into token ids, for a generator that trains the sentence encoder.
    reads_captions: False for generators that read video alone; the data then have none.
    labels: how many label scores of AST a clip with sound has, if they are read.
    """
    return collate(
        (_generator_inputs(clip, projection, tokenize, reads_captions, labels) for clip in clips),
        audio_dim=len(projection.components),
        max_captions=time_steps,
        labels=labels,
    )


def _generator_inputs(
    clip: Clip,
    projection: Projection,
    tokenize: Tokenize | None,
    reads_captions: bool,
    labels: int,
) -> ClipInputs:
    captions = NO_CAPTIONS
    if reads_captions:
        captions = clip.artifacts["caption_embeddings"].tensors()
    return ClipInputs(
        key=clip.key,
        group=clip.group,
        visual=clip.visual(),
        captions=captions["embeddings"],
        steps=captions["steps"],
        audio=clip.audio(projection) if clip.has_sound else None,
        tokens=tokenize(clip.artifacts["captions"].json()["captions"]) if tokenize else None,
        scores=clip.artifacts["ast"].tensors()["scores"] if labels and clip.has_sound else None,
    )
