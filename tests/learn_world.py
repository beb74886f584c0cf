"""A corpus in memory with known answers, and the way of architecture 2 through it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unmuted.generation.data import ClipInputs, GeneratorData, collate

STEPS, TOKEN_DIM, AUDIO_DIM, TEXT_DIM, LABELS = 6, 24, 8, 16, 12


@dataclass(frozen=True)
class Corpus:
    """Clips as the fits read them: features, sound, truth and split."""

    keys: list[str]
    groups: list[str]
    labels: np.ndarray  # int (N,)
    classes: int
    split: np.ndarray  # str (N,)
    visual: np.ndarray  # (N, T, Dv)
    tokens: np.ndarray  # (N, T, D), AST
    scores: np.ndarray  # (N, L), AST
    usable: np.ndarray  # bool (N,)
    captions: list[np.ndarray]  # (R, E) each
    steps: list[np.ndarray]  # (R,) each
    label_embeddings: np.ndarray  # (L, E)
    head_weights: np.ndarray  # (L, D)

    def of(self, split: str) -> np.ndarray:
        return np.flatnonzero(self.split == split)

    def replace(self, **changes: object) -> Corpus:
        return replace(self, **changes)


def make_corpus(
    clips: int = 96, classes: int = 4, audio_follows_video: bool = True, seed: int = 0
) -> Corpus:
    """Video shows a moving state and hints at the class; sound follows the state, or another one."""
    rng = np.random.default_rng(seed)
    labels = np.arange(clips) % classes
    state = rng.normal(size=(clips, STEPS, 4)).cumsum(axis=1) / 2  # what is seen to happen
    visual = np.concatenate([state, rng.normal(size=(clips, STEPS, 6))], axis=2)
    visual[..., -1] += 0.5 * labels[:, None]
    heard = state if audio_follows_video else rng.normal(size=state.shape).cumsum(axis=1) / 2
    mix = rng.normal(size=(4, TOKEN_DIM))
    tokens = heard @ mix + 0.1 * rng.normal(size=(clips, STEPS, TOKEN_DIM))
    scores = np.full((clips, LABELS), 0.02)
    scores[np.arange(clips), labels] = 0.9
    label_embeddings = rng.normal(size=(LABELS, TEXT_DIM))
    frames = [int(n) for n in rng.integers(1, 4, size=clips)]
    return Corpus(
        keys=[f"{value:016x}" for value in rng.permutation(10 * clips)[:clips]],
        groups=[f"source{i // 2}" for i in range(clips)],
        labels=labels,
        classes=classes,
        split=np.array(
            [("train", "train", "train", "val", "test")[i // 2 % 5] for i in range(clips)]
        ),
        visual=visual.astype(np.float32),
        tokens=tokens.astype(np.float32),
        scores=scores.astype(np.float32),
        usable=rng.random(clips) > 0.1,
        captions=[
            (label_embeddings[labels[i]] + rng.normal(size=(n, TEXT_DIM)) / 2).astype(np.float32)
            for i, n in enumerate(frames)
        ],
        steps=[np.sort(rng.permutation(STEPS)[:n]) for n in frames],
        label_embeddings=label_embeddings.astype(np.float32),
        head_weights=rng.normal(size=(LABELS, TOKEN_DIM)).astype(np.float32),
    )


def generator_data(corpus: Corpus, audio: np.ndarray) -> GeneratorData:
    """The corpus as the generator sees it; `audio`: (N, T, A), projected."""
    clips = [
        ClipInputs(
            key=corpus.keys[i],
            group=corpus.groups[i],
            visual=corpus.visual[i],
            captions=corpus.captions[i],
            steps=corpus.steps[i],
            audio=audio[i] if corpus.usable[i] else None,
        )
        for i in range(len(corpus.keys))
    ]
    return collate(clips, audio.shape[2], max_captions=3)
