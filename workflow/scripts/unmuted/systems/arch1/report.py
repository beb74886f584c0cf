"""The report of architecture 1: arms, the filter, and the labels that generated audio carries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import COMPARED, COMPARISON_ARMS, leaking_arms, roles_of
from unmuted.evaluation.controls import MARGIN
from unmuted.evaluation.generated_audio import PRESENT, likeness
from unmuted.evaluation.label_metrics import label_metrics
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
from unmuted.evaluation.tested import TestedClips, chosen_classifier, load_tested
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.arch1.dictionary import TOP
from unmuted.systems.arch1.dictionary_validity import describe_dictionary
from unmuted.systems.arch1.feature_filter import labels_agree, threshold_curve
from unmuted.systems.arch1.filter_rule import filter_rule, similarities, video_posterior
from unmuted.systems.arch1.label_prediction import choose_threshold
from unmuted.systems.shared.generation_report import generation_figures
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.shift import shift_of

SCHEMA_VERSION = 1
STAGES = (
    *("ast", "video_generated", "predicted_labels", "video_posterior", "retrieved"),
    *("predictions", "comparison_predictions"),
)
CURVE = range(0, 100, 5)  # percentiles of the test clips' similarity
PRIMARY = ("filtered", "random_filter")  # named before any result is seen
CONTRASTS = (
    PRIMARY,
    ("filtered", "video_only"),
    ("filtered", "generated"),
    ("generated", "video_only"),
    ("real_audio", "video_only"),
    ("oracle_filter", "filtered"),
)
NAMED = ("video_only", "generated", "filtered", "oracle_filter", "real_audio")
IN_COMPARISON = {"generated": "generated_arch1"}  # arms with another name there
LEAKS = "reads the true label of every test clip; never a result, only a measure of the leak"


def contents(job: ReportJob) -> dict[str, Output]:
    """Compute the metrics; nothing is fitted or chosen on test clips."""
    tested = load_tested(job, STAGES)
    choice = job.fits("comparison_selection")[ONLY_FIT].json()
    report = build_report(
        data=data_section(tested, job.config["splits"]),
        clips=tested.measured,
        arms=_arms(job, tested, choice),
        margin=job.config["evaluation"]["equivalence_margin"],
        leaks=leaking_arms(job.config["filter"]),
        sections={
            "generation": _generation(job, tested),
            "labels": _labels(job, tested),
            "filter": _filter(job, tested, choice),
            "dictionary": {
                "sentence": job.config["models"]["sentence"],
                "top": TOP,
                **describe_dictionary(job, tested, choice["filters"]["filtered"]["chosen"]),
            },
            "provenance": provenance(job, tested.video_ids),
        },
    )
    return {"metrics": report}


def build_report(
    *,
    data: Mapping[str, Any],
    clips: EvaluationClips,
    arms: Mapping[str, ArmOutcome],
    leaks: Collection[str],
    sections: Mapping[str, Any],
    margin: float = MARGIN,
) -> dict[str, Any]:
    """Build the content of arch1_metrics.json; its shape is documented in the schema file.

    clips: the N test clips. arms: video_only, generated, filtered, oracle_filter, real_audio and
    the comparison's controls. leaks: those that read the label of tested clips (`leaking_arms`).
    sections: generation, labels, filter, dictionary and provenance, ready made. margin: of
    equivalence, for controls.
    """
    names = {name: IN_COMPARISON.get(name, name) for name in arms}
    roles = dict(zip(arms, roles_of(names.values(), leaks).values(), strict=True))
    further = [("filtered", name) for name in arms if name in _beside_filtered()]
    measured = measure_arms(arms, clips, [*CONTRASTS, *further], roles, margin)
    for name in [name for name in arms if name not in NAMED]:
        measured["arms"][name]["role"] = roles[name]
    for name in leaks:
        measured["arms"][name]["leaks"] = LEAKS
    for a, b in [*CONTRASTS, *further]:
        if {a, b} & set(leaks):
            measured["contrasts"][f"{a}-{b}"]["leaks"] = LEAKS
    return {
        "schema_version": SCHEMA_VERSION,
        "system": "arch1",
        "data": dict(data),
        **measured,
        "ceiling": ceiling(arms, clips),
        "recovery": {
            arm: recovery(arms, arm, clips) for arm in ("generated", "filtered") if arm not in leaks
        },
        **sections,
        "statistics": statistics(
            clips.bootstrap,
            "checkpoint of each classifier and percentile of the filter by log-loss, "
            "thresholds of predicted labels by micro-F1, all on validation clips",
        ),
    }


def _arms(job: ReportJob, tested: TestedClips, choice: Mapping[str, Any]) -> dict[str, ArmOutcome]:
    leaks = leaking_arms(job.config["filter"])
    chosen = job.fits("selection")[ONLY_FIT].json()["arms"]
    predicted = tested.predictions(COMPARED)[0]["arms"]
    further = [name for name in predicted if _is_further(name)]
    by_comparison = {}
    for name in ("generated", "filtered", "oracle_filter", *further):
        arm = IN_COMPARISON.get(name, name)
        checkpoints = choice["units"][chosen_classifier(arm, choice)]
        by_comparison[name] = tested.outcome(arm, checkpoints, COMPARED, leaks)
    video, real = (tested.outcome(arm, chosen[arm]) for arm in ("video_only", "real_audio"))
    return {"video_only": video, **by_comparison, "real_audio": real}


def _is_further(arm: str) -> bool:
    """Tell whether an arm of the comparison is a control, or what the filter is compared with."""
    is_control = COMPARISON_ARMS[arm].role == "control"
    return (is_control or arm in _beside_filtered()) and arm not in NAMED


def _beside_filtered() -> list[str]:
    """Return the arms that the table contrasts the filter with, unless named here otherwise."""
    return [arm for arm in COMPARISON_ARMS["filtered"].contrasts if arm != "generated_arch1"]


def _generation(job: ReportJob, tested: TestedClips) -> dict[str, Any]:
    """Compare generated features with the real ones of test clips with usable sound."""
    projection = Projection(**job.fits("projection")[ALL_TRAINING].tensors())
    generated = [clip.artifacts["video_generated"].tensors()["audio"] for clip in tested.clips]
    real = np.stack([clip.audio(projection) for clip in tested.clips])
    audio = np.stack(generated, axis=1)
    posterior = tested.probabilities("video_only")
    figures = generation_figures(job, tested, {"generated": audio}, posterior)
    alike = likeness(audio, real, tested.usable, tested.bootstrap)
    return {
        **alike,
        "figures": figures["generated"],
        "shift": shift_of(tested, projection, "video_generated"),
    }


def _labels(job: ReportJob, tested: TestedClips) -> dict[str, Any]:
    """Measure labels predicted from generated audio, and from projected real audio."""
    val = [clip for clip in tested.experiment.split("val") if clip.has_sound]
    test = [clip for clip in tested.clips if clip.has_sound]
    if not val or not test or not _present(val).any():
        return {"present_from": PRESENT, "generated": None, "real": None}
    seeds = range(len(job.seeds))
    generated = [_scored(val, test, _scores_of_seed(seed)) for seed in seeds]
    means = {
        name: None if None in values else float(np.mean(values))
        for name in generated[0]
        if (values := [metrics[name] for metrics in generated])
    }
    return {
        "present_from": PRESENT,
        "generated": {**means, "per_seed": generated},
        "real": _scored(val, test, lambda arrays: arrays["real_scores"]),
    }


def _scores_of_seed(seed: int) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """Return the function that takes the scores (L,) of the seed at this index."""
    return lambda arrays: arrays["scores"][seed]


def _scored(
    val: Sequence[Clip], test: Sequence[Clip], scores_of: Callable[[Mapping[str, np.ndarray]], Any]
) -> dict[str, Any]:
    """Compute metrics on test clips with the threshold that is best on validation clips."""
    scores = {
        name: np.stack([scores_of(c.artifacts["predicted_labels"].tensors()) for c in clips])
        for name, clips in (("val", val), ("test", test))
    }
    threshold = choose_threshold(_present(val), scores["val"])
    return label_metrics(_present(test), scores["test"], threshold)


def _present(clips: Sequence[Clip]) -> np.ndarray:
    """Return the labels that AST detects in the real audio, bool (N, L)."""
    return np.stack([clip.artifacts["ast"].tensors()["scores"] for clip in clips]) >= PRESENT


def _filter(job: ReportJob, tested: TestedClips, choice: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the chosen filter, the test clips that it keeps, and other thresholds."""
    chosen = choice["filters"]["filtered"]
    predictions = tested.predictions("comparison_predictions")
    kept = {
        arm: np.mean([clip["kept"][arm] for clip in predictions], axis=0).tolist()
        for arm in ("filtered", "oracle_filter", "random_filter", "mask_only")
        if arm in predictions[0]["kept"]
    }
    rule = filter_rule(job.config["filter"])
    similarity = rule.judge(
        similarities(tested.clips), video_posterior(tested.clips), tested.labels
    )  # (N, S)
    with_audio = [i for i, clip in enumerate(tested.clips) if clip.has_sound]
    present = np.zeros((0, 1), bool)
    if with_audio:
        present = _present([tested.clips[i] for i in with_audio])
    with_label = [i for i, labels in zip(with_audio, present, strict=True) if labels.any()]
    curve = []
    if with_label:
        scores = np.stack(
            [
                tested.clips[i].artifacts["predicted_labels"].tensors()["scores"][0]
                for i in with_label
            ]
        )
        agree = labels_agree(present[[with_audio.index(i) for i in with_label]], scores)
        limits = np.percentile(similarity[:, 0], list(CURVE)).tolist()
        curve = threshold_curve(similarity[with_label, 0], agree, limits)
    leaks = "filtered" in leaking_arms(job.config["filter"])
    return {
        **({"leaks": LEAKS} if leaks else {}),
        "percentile": chosen["chosen"],
        "candidates": chosen["candidates"],
        "kept_share": {arm: {"mean": float(np.mean(v)), "per_seed": v} for arm, v in kept.items()},
        "curve": curve,
    }
