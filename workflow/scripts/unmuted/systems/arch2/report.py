"""The report of architecture 2: arms, contrasts and the data behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import ARMS, BETTER_NULL, NULLS
from unmuted.evaluation.controls import MARGIN
from unmuted.evaluation.generated_audio import generation_metrics
from unmuted.evaluation.headroom import headroom
from unmuted.evaluation.near_duplicates import data_section
from unmuted.evaluation.outcomes import (
    ArmOutcome,
    EvaluationClips,
    ceiling,
    measure_arms,
    recovery,
    statistics,
)
from unmuted.evaluation.outputs import Output
from unmuted.evaluation.provenance import provenance
from unmuted.evaluation.semantics import (
    attention_metrics,
    content_words_right,
    summarise_semantics,
)
from unmuted.evaluation.tested import TestedClips, load_tested
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.shared.generation_report import generation_figures
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.shift import shift_of

SCHEMA_VERSION = 1
STAGES = ("ast", "captions", "trained_mapping", "generated", "retrieved", "predictions")
PRIMARY = ("generated", BETTER_NULL)  # named before any result is seen
CONTRASTS = (
    PRIMARY,
    *(("generated", null) for null in NULLS),
    ("generated", "video_only"),
    ("real_audio", "video_only"),
)


def contents(job: ReportJob) -> dict[str, Output]:
    """Compute the metrics from the predictions of the test clips."""
    tested = load_tested(job, STAGES)
    choices = job.fits("selection")[ONLY_FIT].json()["arms"]
    report = build_report(
        data=data_section(tested, job.config["splits"]),
        clips=tested.measured,
        arms={arm: tested.outcome(arm, choices[arm]) for arm in ARMS},
        margin=job.config["evaluation"]["equivalence_margin"],
        generation=_generation(job, tested),
        semantics={
            **_semantics(tested.experiment.clips),
            "attention": _attention(job, tested),
            **_against_truth(job, tested),
        },
        provenance=provenance(job, tested.video_ids),
    )
    return {"metrics": report | headroom(job, tested, report)}


def build_report(
    *,
    data: Mapping[str, Any],
    clips: EvaluationClips,
    arms: Mapping[str, ArmOutcome],
    margin: float = MARGIN,
    generation: Mapping[str, Any],
    semantics: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Build the content of arch2_metrics.json; its shape is documented in the schema file.

    data: classes (names), train, val, test, groups (counts) and excluded {reason: count}. clips:
    the N test clips. arms: those of the main experiment, all with the same seeds and clips.
    margin: of equivalence, for controls among the arms. generation, semantics, provenance: those
    sections, ready made. Raises ValueError with arms of different shapes.
    """
    shapes = {name: arm.probabilities.shape for name, arm in arms.items()}
    _, tested, _ = next(iter(shapes.values()))
    if len(set(shapes.values())) > 1 or tested != len(clips.labels):
        raise ValueError(
            f"arms need probabilities of one shape (seeds, {len(clips.labels)} clips, classes), "
            f"got {shapes}"
        )
    roles = {arm: ARMS[arm].role for arm in arms}
    measured = measure_arms(arms, clips, CONTRASTS, roles, margin)
    for null in NULLS:
        measured["arms"][null]["role"] = roles[null]
    return {
        "schema_version": SCHEMA_VERSION,
        "system": "arch2",
        "data": dict(data),
        **measured,
        "ceiling": ceiling(arms, clips),
        "recovery": recovery(arms, "generated", clips),
        "generation": dict(generation),
        "semantics": dict(semantics),
        "statistics": statistics(
            clips.bootstrap, "checkpoint of each classifier by log-loss on validation clips"
        ),
        "provenance": dict(provenance),
    }


def _generation(job: ReportJob, tested: TestedClips) -> dict[str, Any]:
    """Compare the generated features of the test clips with the real ones."""
    clips = tested.clips
    projection = Projection(**job.fits("projection")[ALL_TRAINING].tensors())
    prototypes = job.fits("prototypes")[ALL_TRAINING].tensors()["vectors"]
    generated = [clip.artifacts["generated"].tensors() for clip in clips]
    scores = [
        clip.artifacts["ast"].tensors()["scores"] if clip.has_sound else np.zeros(len(prototypes))
        for clip in clips
    ]
    audio = np.stack([tensors["audio"] for tensors in generated], axis=1)
    posterior = tested.probabilities("video_only")
    metrics = generation_metrics(
        generated=audio,
        real=np.stack([clip.audio(projection) for clip in clips]),
        usable=tested.usable,
        spread=np.stack([tensors["spread"] for tensors in generated], axis=1),
        prototypes=prototypes,
        label_scores=np.stack(scores),
        bootstrap=tested.bootstrap,
    )
    figures = generation_figures(job, tested, {"generated": audio}, posterior)
    shift = shift_of(tested, projection, "generated")
    return {**metrics, "figures": figures["generated"], "shift": shift}


def _attention(job: ReportJob, tested: TestedClips) -> dict[str, Any]:
    """Compare the labels that captions attend to with what AST hears in the test clips."""
    heard = job.fits("prototypes")[ALL_TRAINING].tensors()["heard"].astype(bool)
    attention, frozen, scores = np.zeros((3, len(tested.clips), len(heard)))
    for i, clip in enumerate(tested.clips):
        attended = clip.artifacts["generated"].tensors()["attention"]
        attention[i] = attended.mean(axis=0) if len(attended) else 0.0
        for caption in clip.artifacts["trained_mapping"].json()["captions"]:
            for label in caption["frozen"]:
                frozen[i, label["index"]] += label["similarity"]
        if clip.has_sound:
            scores[i] = clip.artifacts["ast"].tensors()["scores"]
    return attention_metrics(attention, frozen, scores, heard, tested.usable, tested.bootstrap)


def _against_truth(job: ReportJob, tested: TestedClips) -> dict[str, float]:
    """Compare the captions with the known truth, which only the demo has."""
    if not job.is_generated:
        return {}
    truth = job.artifacts("truth", tested.video_ids)
    captions = [clip.artifacts["captions"].json()["captions"] for clip in tested.clips]
    truths = [truth[name].json()["caption"] for name in tested.video_ids]
    return {"content_words_right": content_words_right(captions, truths)}


def _semantics(clips: Sequence[Clip]) -> dict[str, object]:
    captions = [clip.artifacts["captions"].json()["captions"] for clip in clips]
    mapped = [clip.artifacts["trained_mapping"].json()["captions"] for clip in clips]
    return summarise_semantics(captions, mapped)
