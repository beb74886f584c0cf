"""A corpus in memory with known answers, and the way of architecture 2 through it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from unmuted.classification.arms import ARMS, arm_features
from unmuted.classification.selection import select_snapshot
from unmuted.classification.training import ClassifierSettings, predict, train_classifier
from unmuted.fitting.states import State
from unmuted.generation.crossfit import clips_to_fit, generate_cross_fitted
from unmuted.generation.data import ClipInputs, GeneratorData, collate
from unmuted.generation.folds import assign_folds
from unmuted.generation.projection import Projection, fit_projection
from unmuted.generation.prototypes import Prototypes, fit_prototypes
from unmuted.generation.training import GeneratorSettings, train_generator

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


GENERATOR = GeneratorSettings(hidden=8, noise_dim=2, adapter_dim=4, epochs=3, batch_size=16)
CLASSIFIER = ClassifierSettings(hidden=8, epochs=4, snapshots=2, batch_size=16)
FOLDS = 2
IN_SAMPLE = ("in-sample generator", "in-sample generator, unmarked")


@dataclass(frozen=True)
class Run:
    """Everything that the fits of one seed left behind."""

    fold_of_group: dict[str, int]
    projection: Projection
    prototypes: dict[int | None, Prototypes]
    generators: dict[int | None, State]
    data: GeneratorData
    generated: np.ndarray  # (N, T, A)
    chosen: dict[str, int]  # arm -> snapshot
    classifiers: dict[str, list[State]]
    predictions: dict[str, np.ndarray]  # arm -> (N_test, C)


def run_arch2(
    corpus: Corpus,
    *,
    seed: int = 0,
    generator: GeneratorSettings = GENERATOR,
    leak: str | None = None,
) -> Run:
    """Architecture 2 with one seed, by the functions that the workflow's scripts call.

    leak: plants one of the mistakes that the guards are there to find.
    """
    training, val, test = corpus.of("train"), corpus.of("val"), corpus.of("test")
    is_training = corpus.split == "train"
    folds = np.full(len(corpus.keys), -1)
    folds[training] = assign_folds(
        [corpus.groups[i] for i in training], [str(corpus.labels[i]) for i in training], FOLDS, 0
    )
    fold_of_group = {corpus.groups[i]: int(folds[i]) for i in training}

    def readable(held_out: int | None, what: str) -> np.ndarray:
        if leak == f"{what} reads test audio":
            return corpus.usable
        return clips_to_fit(is_training, corpus.usable, folds, held_out)

    by_key = sorted(np.flatnonzero(readable(None, "projection")), key=lambda i: corpus.keys[i])
    projection = fit_projection((corpus.tokens[i] for i in by_key), AUDIO_DIM)
    audio = projection.apply(corpus.tokens)
    data = generator_data(corpus, audio)
    prototypes, generators = {}, {}
    for held_out in (*range(FOLDS), None):
        heard = readable(held_out, "prototypes")
        prototypes[held_out] = fit_prototypes(
            [corpus.keys[i] for i in np.flatnonzero(heard)],
            audio[heard],
            corpus.scores[heard],
            corpus.head_weights,
            projection,
            min_weight=1.0,
        )
        fitted = data.take(readable(held_out, "generator"))
        if leak == "prototypes reads test audio":  # hide it from the check that would refuse it
            prototypes[held_out] = replace(prototypes[held_out], fitted_on=np.zeros(0, np.int64))
        generators[held_out], _ = train_generator(
            fitted, corpus.label_embeddings, prototypes[held_out], generator, seed
        )
    if leak == "in-sample generator, unmarked":
        nobody = {"fitted_on": np.zeros(0, np.int64), "fitted_groups": np.zeros(0, np.int64)}
        generators = {fold: {**state, **nobody} for fold, state in generators.items()}
    by_fold = {} if leak in IN_SAMPLE else fold_of_group
    generated = generate_cross_fitted(generators, generators[None], data, by_fold, 2, seed).audio

    chosen, classifiers, predictions = {}, {}, {}
    for arm in ARMS:
        x = arm_features(arm, corpus.visual, audio, corpus.usable, generated)
        audio_dim = x.shape[2] - corpus.visual.shape[2]
        keys = [corpus.keys[i] for i in training]
        fit = train_classifier(
            keys, x[training], corpus.labels[training], corpus.classes, CLASSIFIER, seed, audio_dim
        )
        judges = test if leak == "checkpoint chosen on test" else val
        scores = [predict(state, x[judges]) for state in fit.snapshots]
        chosen[arm] = select_snapshot(scores, corpus.labels[judges]).index
        classifiers[arm] = fit.snapshots
        predictions[arm] = predict(fit.snapshots[chosen[arm]], x[test])
    return Run(
        fold_of_group,
        projection,
        prototypes,
        generators,
        data,
        generated,
        chosen,
        classifiers,
        predictions,
    )
