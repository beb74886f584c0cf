"""A corpus in memory with known answers, and the generators of architecture 2 fitted on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from unmuted.config.generator import GeneratorSettings
from unmuted.samples.experiment import Clip, Experiment, clips_of_fits, training_folds
from unmuted.samples.fits import ALL_TRAINING
from unmuted.samples.sample import Sample
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection, fit_projection
from unmuted.systems.shared.prototypes import Prototypes, fit_prototypes
from unmuted.systems.shared.training import train_generator
from unmuted.training.states import State

torch.set_num_threads(1)  # tiny models: threads would only wait for each other

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
    """Video shows a moving state and hints at the class; sound follows it or another one."""
    rng = np.random.default_rng(seed)
    labels = np.arange(clips) % classes
    state = rng.normal(size=(clips, STEPS, 4)).cumsum(axis=1) / 2  # what is seen to happen
    visual = np.concatenate([state, rng.normal(size=(clips, STEPS, 6))], axis=2)
    visual[..., -1] += 1.5 * labels[:, None]
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


@dataclass(frozen=True)
class LedgerEntry:
    """The only column of a ledger that fits look at."""

    digest: str


@dataclass(frozen=True)
class InMemory:
    """An artifact that was never written."""

    arrays: dict[str, np.ndarray]
    row: LedgerEntry = LedgerEntry("")

    def tensors(self) -> dict[str, np.ndarray]:
        return self.arrays


def clips_of(corpus: Corpus) -> list[Clip]:
    """The corpus as the workflow's clips, in its order."""
    half = corpus.visual.shape[2] // 2
    clips = []
    for i, key in enumerate(corpus.keys):
        arrays = {
            "vit_rgb": {"features": corpus.visual[i, :, :half]},
            "vit_flow": {"features": corpus.visual[i, :, half:]},
            "caption_embeddings": {"embeddings": corpus.captions[i], "steps": corpus.steps[i]},
        }
        if corpus.usable[i]:
            arrays["ast"] = {"tokens": corpus.tokens[i], "scores": corpus.scores[i]}
        artifacts = {stage: InMemory(content) for stage, content in arrays.items()}
        label, split = f"class{corpus.labels[i]}", str(corpus.split[i])
        clips.append(
            Clip(Sample.of_video(f"video{i}", label), split, corpus.groups[i], key, artifacts)
        )
    return clips


GENERATOR = GeneratorSettings(hidden=8, noise_dim=2, adapter_dim=4, steps=6, batch_size=16)
FOLDS = 2


@dataclass(frozen=True)
class Run:
    """What the fits of one seed left behind; clips in the order of the corpus."""

    fold_of_group: dict[str, int]
    generators: dict[str, State]  # by fit
    data: GeneratorData


def run_arch2(corpus: Corpus) -> Run:
    """Architecture 2's generators with one seed, by the functions that the scripts call."""
    clips = clips_of(corpus)
    classes = tuple(f"class{c}" for c in range(corpus.classes))
    experiment = Experiment(tuple(sorted(clips, key=lambda clip: clip.key)), classes, {})
    clips_by_fit = clips_of_fits(experiment, FOLDS)
    tokens = (clip.artifacts["ast"].tensors()["tokens"] for clip in clips_by_fit[ALL_TRAINING])
    projection = fit_projection(tokens, AUDIO_DIM)
    generators = {}
    for fit, read in clips_by_fit.items():
        prototypes = prototypes_of(read, corpus, projection)
        data = generator_data(read, projection, STEPS, labels=LABELS)
        generators[fit], _ = train_generator(
            data, corpus.label_embeddings, prototypes, GENERATOR, seed=0
        )
    folds = training_folds(experiment, FOLDS)
    return Run(folds, generators, generator_data(clips, projection, STEPS))


def prototypes_of(clips: list[Clip], corpus: Corpus, projection: Projection) -> Prototypes:
    heard = [clip.artifacts["ast"].tensors() for clip in clips]
    return fit_prototypes(
        [clip.key for clip in clips],
        np.stack([projection.apply(one["tokens"]) for one in heard]),
        np.stack([one["scores"] for one in heard]),
        corpus.head_weights,
        projection,
        min_weight=1.0,
    )
