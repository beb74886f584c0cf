"""A corpus in memory with known answers, and the way of architecture 2 through it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from unmuted.classification.arms import ARMS
from unmuted.classification.inputs import load_features
from unmuted.classification.selection import select_snapshot
from unmuted.classification.training import ClassifierSettings, predict, train_classifier
from unmuted.experiment import (
    FULL,
    Clip,
    Experiment,
    fit_units,
    fold_name,
    generator_data,
    training_folds,
)
from unmuted.fitting.states import State
from unmuted.generation.crossfit import generate_cross_fitted
from unmuted.generation.data import GeneratorData
from unmuted.generation.projection import Projection, fit_projection
from unmuted.generation.prototypes import Prototypes, fit_prototypes
from unmuted.generation.training import GeneratorSettings, generate, train_generator

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
class Row:
    """The only column of a ledger that fits look at."""

    digest: str


@dataclass(frozen=True)
class InMemory:
    """An artifact that was never written."""

    arrays: dict[str, np.ndarray]
    row: Row = Row("")

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
        clips.append(Clip(f"video{i}", label, split, corpus.groups[i], key, artifacts))
    return clips


GENERATOR = GeneratorSettings(hidden=8, noise_dim=2, adapter_dim=4, epochs=3, batch_size=16)
CLASSIFIER = ClassifierSettings(hidden=8, epochs=12, snapshots=3, batch_size=16, learning_rate=0.02)
FOLDS = 2
SPLITS = ("train", "val", "test")
IN_SAMPLE = ("in-sample generator", "in-sample generator, unmarked")


@dataclass(frozen=True)
class Run:
    """Everything that the fits of one seed left behind; clips in the order of the corpus."""

    fold_of_group: dict[str, int]
    projection: Projection
    prototypes: dict[str, Prototypes]  # by unit: "full", or without a fold
    generators: dict[str, State]
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
    clips = clips_of(corpus)
    classes = tuple(f"class{c}" for c in range(corpus.classes))
    experiment = Experiment(tuple(sorted(clips, key=lambda clip: clip.key)), classes, {})
    fold_of_group = training_folds(experiment, FOLDS)
    units = fit_units(experiment, FOLDS)
    everything = [clip for clip in experiment.clips if clip.has_sound]

    def readable(what: str, unit: str) -> list[Clip]:
        return everything if leak == f"{what} reads test audio" else units[unit]

    tokens = (clip.artifacts["ast"].tensors()["tokens"] for clip in readable("projection", FULL))
    projection = fit_projection(tokens, AUDIO_DIM)
    prototypes, generators = {}, {}
    for unit in units:
        prototypes[unit] = prototypes_of(readable("prototypes", unit), corpus, projection)
        if leak == "prototypes reads test audio":  # hide it from the check that would refuse it
            prototypes[unit] = replace(prototypes[unit], fitted_on=np.zeros(0, np.int64))
        read = generator_data(readable("generator", unit), projection, STEPS)
        generators[unit], _ = train_generator(
            read, corpus.label_embeddings, prototypes[unit], generator, seed
        )
    if leak == "in-sample generator, unmarked":
        nobody = {"fitted_on": np.zeros(0, np.int64), "fitted_groups": np.zeros(0, np.int64)}
        generators = {unit: {**state, **nobody} for unit, state in generators.items()}
    data = generator_data(clips, projection, STEPS)
    if leak in IN_SAMPLE:
        generated = generate(generators[FULL], data, 2, seed).audio
    else:
        by_fold = {fold: generators[fold_name(fold)] for fold in range(FOLDS)}
        full = generators[FULL]
        generated = generate_cross_fitted(by_fold, full, data, fold_of_group, 2, seed).audio
    fitted = (fold_of_group, projection, prototypes, generators, data, generated)
    return Run(*fitted, *classify(clips, generated, experiment, projection, seed, leak))


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


def classify(
    clips: list[Clip],
    generated: np.ndarray,
    experiment: Experiment,
    projection: Projection,
    seed: int,
    leak: str | None,
) -> tuple[dict[str, int], dict[str, list[State]], dict[str, np.ndarray]]:
    """Of each arm: the chosen checkpoint, all checkpoints, and predictions for the test clips."""
    made = [InMemory({"audio": audio[None]}) for audio in generated]
    heard = [
        replace(clip, artifacts={**clip.artifacts, "generated": artifact})
        for clip, artifact in zip(clips, made, strict=True)
    ]
    parts = {name: [clip for clip in heard if clip.split == name] for name in SPLITS}
    features = {name: load_features(part, projection) for name, part in parts.items()}
    labels = {name: experiment.labels(part) for name, part in parts.items()}
    judges = "test" if leak == "checkpoint chosen on test" else "val"
    chosen, classifiers, predictions = {}, {}, {}
    for arm in ARMS:
        x = {name: of.of_arm(arm, 0) for name, of in features.items()}
        audio_dim = 0 if arm == "video_only" else AUDIO_DIM
        keys, count = [clip.key for clip in parts["train"]], len(experiment.classes)
        fit = train_classifier(
            keys, x["train"], labels["train"], count, CLASSIFIER, seed, audio_dim
        )
        scores = [predict(state, x[judges]) for state in fit.snapshots]
        chosen[arm] = select_snapshot(scores, labels[judges]).index
        classifiers[arm] = fit.snapshots
        predictions[arm] = predict(fit.snapshots[chosen[arm]], x["test"])
    return chosen, classifiers, predictions
