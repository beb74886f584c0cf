"""Scores and spots of the recordings of a shard, of every arm and seed, with and without sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.config.highlights import LostSoundSettings
from unmuted.dataset.events import Spot
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import has_seen
from unmuted.systems.highlights.arms import ARMS, LOUDNESS, SpottingArm
from unmuted.systems.highlights.context import Context, Fitted
from unmuted.systems.highlights.spot_arrays import pack_spots
from unmuted.training.order import hash_keys

if TYPE_CHECKING:
    from unmuted.systems.highlights.inference import SoundInput
    from unmuted.systems.highlights.recordings import HalfStart, Recording
    from unmuted.systems.highlights.spotting import Ensemble

REAL = "real"
STEPS_TOGETHER = 5000  # whose sound is held at once: 2.5 MB of 128 features
TRAINED_ON = "trained_on"  # the name of an array: what is said of the match
LOST = ("no_stream", "noise", "swapped", "dropout")  # silence is known as such: as no_stream


def logits_name(arm: str, condition: str = REAL) -> str:
    """Return the name of an array of logits, float16 (seeds, S, K)."""
    return f"logits.{arm}.{condition}"


def spot_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    fits: Mapping[int, Mapping[str, Artifact]],
    selection: Artifact,
    fitted: Fitted,
    folds: Mapping[str, int],
    job: Job,
) -> Iterator[Result]:
    """Score the recordings of a shard.

    An artifact holds `shown`, `has_sound`, bool (S,); `trained_on`, bool (1,), whether spotters are
    trained or chosen on the match; `loudness`, float32 (S,); logits, float16 (seeds, S, K), of the
    arm that finds highlights, and of test recordings those of every arm, with their sound lost in
    every way as well; and the spots of that arm, see `highlight_spots`.
    """
    context = Context(job, fitted, folds)
    chosen = selection.json()
    choices, rules = chosen["arms"], chosen["ensembles"]
    models = load_models(choices, fits, context)
    fit = next(artifact for by_arm in fits.values() for artifact in by_arm.values()).tensors()
    for task in tasks:
        clip = clips[task.name]
        known = is_known(clip, fit, chosen["validated_on"], context)
        yield Result(task.name, score_recording(clip, models, choices, rules, known, context))
        context.forget()


def load_models(
    choices: Mapping[str, Any], fits: Mapping[int, Mapping[str, Artifact]], context: Context
) -> dict[str, list[Any]]:
    """Load the chosen checkpoint of every arm and seed."""
    from unmuted.systems.highlights.training import load_spotter_state
    from unmuted.training.checkpoints import snapshot

    return {
        arm: [
            load_spotter_state(
                snapshot(fits[one["seed"]][arm].tensors(), one["snapshot"]), context.device
            )
            for one in of_arm
        ]
        for arm, of_arm in choices.items()
    }


def is_known(
    clip: Clip, fit: Mapping[str, np.ndarray], validated_on: Sequence[int], context: Context
) -> bool:
    """Tell whether spotters are trained or chosen on a recording's match, or on a copy of it.

    fit: a trained spotter. validated_on: hashes of the recordings that were chosen on.
    """
    if clip.split in ("train", "val") or context.highlights["split_by_clip"]:
        return True
    is_seen = bool(has_seen(dict(fit), [clip.key], [clip.group])[0])
    return is_seen or int(hash_keys([clip.key])[0]) in validated_on


def score_recording(
    clip: Clip,
    models: Mapping[str, Sequence[Any]],
    choices: Mapping[str, Sequence[Mapping[str, Any]]],
    rules: Mapping[str, Mapping[str, Any]],
    known: bool,
    context: Context,
) -> dict[str, np.ndarray]:
    """Return the arrays of a recording's artifact.

    models, choices: by arm, of each seed. rules: by arm, of the ensemble of its seeds. known: what
    `is_known` says of the recording.
    """
    (labelled,) = context.load([clip])
    recording = labelled.recording
    arrays = {"shown": recording.shown, "has_sound": recording.has_sound}
    arrays |= loudness_arrays(clip, recording, context.rate)
    arrays[TRAINED_ON] = np.array([known])
    finder = ARMS[context.highlights["arm"]]
    for name, of_arm in models.items():
        if clip.split != "test" and name != finder.name:
            continue  # reports read arms on test matches alone
        arm = ARMS[name]
        states = conditions(arm, clip.split)
        by_seed = [
            score_states(model, recording, arm, choice["seed"], states, clip, context)
            for model, choice in zip(of_arm, choices[name], strict=True)
        ]
        for condition, rows in zip(states, zip(*by_seed, strict=True), strict=True):
            arrays[logits_name(name, condition)] = np.stack(rows)
    ensemble = ensemble_of(choices[finder.name], rules[finder.name], context.reach)
    spots = highlight_spots(arrays, ensemble, finder, context.kinds, recording.halves, context.rate)
    return {**arrays, **spots, "rate": np.array([context.rate], np.float64)}


def score_states(
    model: Any,
    recording: Recording,
    arm: SpottingArm,
    seed: int,
    states: Sequence[str],
    clip: Clip,
    context: Context,
) -> list[np.ndarray]:
    """Return the logits of a recording in each state of its sound, float16 (S, K).

    Short recordings are scored in several states at once, long ones in one after the other: the
    sound of each state takes memory.
    """
    from unmuted.systems.highlights.inference import score_together

    imputed = context.imputed(recording, arm.imputation, seed)
    together = max(1, STEPS_TOGETHER // max(recording.steps, 1))
    logits = []
    for first in range(0, len(states), together):
        inputs = [
            (imputed, lost_input(imputed, arm, state, clip, context))
            for state in states[first : first + together]
        ]
        scored = score_together(model, inputs, context.rate, context.inference, context.device)
        logits += [one.astype(np.float16) for one in scored]
    return logits


def conditions(arm: SpottingArm, split: str | None) -> tuple[str, ...]:
    """Return the states of sound in which a recording is scored."""
    return (REAL, *LOST) if arm.reads_sound and split == "test" else (REAL,)


def lost_input(
    recording: Recording, arm: SpottingArm, condition: str, clip: Clip, context: Context
) -> SoundInput:
    """Return the sound that an arm reads of a recording in a condition.

    Of noise and of swapped sound no arm is told; a recording without sound keeps its imputation.
    """
    from unmuted.systems.highlights.inference import SoundInput, sound_input
    from unmuted.systems.highlights.lost_sound import dropout_steps

    settings = LostSoundSettings.of(context.highlights["lost_sound"])
    if condition in (REAL, "no_stream") or not arm.reads_sound:
        missing = None if condition == REAL else np.ones(recording.steps, bool)
        return sound_input(recording, arm.imputation, missing)
    if condition == "dropout":
        lost = dropout_steps(recording.key, recording.steps, context.rate, settings)
        return sound_input(recording, arm.imputation, lost)
    given = sound_input(recording, arm.imputation)
    other = replaced_sound(recording, condition, clip, context)
    sound = np.where(given.is_real[:, None], other, given.sound[0 : recording.steps])
    return SoundInput(sound.astype(np.float32, copy=False), given.is_real)


def replaced_sound(
    recording: Recording, condition: str, clip: Clip, context: Context
) -> np.ndarray:
    """Return the features of noise as loud as the recording, or of another match: (S, A)."""
    from unmuted.systems.highlights.imputation import swapped_sound
    from unmuted.systems.highlights.loading import SOUND
    from unmuted.systems.highlights.lost_sound import noise_patches
    from unmuted.systems.highlights.recordings import FileRows
    from unmuted.systems.highlights.step_sound import mean_level, scaled

    seed, scale = context.highlights["lost_sound"]["seed"], context.highlights["sound_scale"]
    if condition == "swapped":
        return swapped_sound(recording, context.pool, seed)
    if SOUND not in clip.artifacts:
        return np.zeros(recording.sound.shape, np.float32)
    with clip.artifacts[SOUND].open_tensors() as file:
        patches = FileRows(file, "mel")
        level = mean_level(patches, file.rows("valid").astype(bool))
        shape = (recording.steps, *patches.shape[1:])
    blocks = (scaled(block, scale) for block in noise_patches(recording.key, level, shape, seed))
    return np.concatenate([context.projection.apply(b.reshape(len(b), -1)) for b in blocks])


def loudness_arrays(clip: Clip, recording: Recording, rate: float) -> dict[str, np.ndarray]:
    """Return the loudness of steps among those of the recording, float32 (S,); 0 without sound."""
    from unmuted.systems.highlights.loading import SOUND
    from unmuted.systems.highlights.loudness import loudness_scores

    if SOUND not in clip.artifacts:
        return {LOUDNESS: np.zeros(recording.steps, np.float32)}
    with clip.artifacts[SOUND].open_tensors() as file:
        level = file.rows("rms").astype(np.float64)[: recording.steps]
    rms = np.zeros(recording.steps)
    rms[: len(level)] = 10 ** (level / 20)  # from dBFS
    return {LOUDNESS: loudness_scores(rms, recording.has_sound, rate).astype(np.float32)}


def ensemble_of(
    choices: Sequence[Mapping[str, Any]], rule: Mapping[str, Any], reach: int
) -> Ensemble:
    """Return the networks of an arm as they were chosen: choices by seed, and their common rule."""
    from unmuted.systems.highlights.spotting import Ensemble, SpotRule

    return Ensemble(tuple(c["temperature"] for c in choices), SpotRule.of(rule), reach)


def highlight_spots(
    arrays: Mapping[str, np.ndarray],
    ensemble: Ensemble,
    arm: SpottingArm,
    kinds: Sequence[str],
    halves: Sequence[HalfStart],
    rate: float,
) -> dict[str, np.ndarray]:
    """Return the spots that the networks of an arm find together, as `pack_spots` does.

    Also `scores`, float32 (S, K), of which they are the peaks, and `thresholds`, float64 (K,), from
    which a spot is a highlight; NaN for a kind that has no spots.
    """
    scores, spots = ensemble_spots(arrays, ensemble, arm, REAL, kinds, halves, rate)
    thresholds = np.array(ensemble.rule.reel_thresholds, np.float64)  # None becomes NaN
    return {**pack_spots(spots, kinds), "scores": scores, "thresholds": thresholds}


def ensemble_spots(
    arrays: Mapping[str, np.ndarray],
    ensemble: Ensemble,
    arm: SpottingArm,
    condition: str,
    kinds: Sequence[str],
    halves: Sequence[HalfStart],
    rate: float,
) -> tuple[np.ndarray, list[Spot]]:
    """Return the mean scores of an arm's seeds, float32 (S, K), and the spots in them."""
    valid = arrays["shown" if arm.reads_visual else "has_sound"]
    scores = ensemble.scores(arrays[logits_name(arm.name, condition)])
    return scores, ensemble.spots(scores, valid, kinds, halves, rate)
