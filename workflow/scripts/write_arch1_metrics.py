"""Compute results/arch1_metrics.json, and the Semantic Dictionary as a table."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from unmuted.engine.artifacts import atomic
from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import leaking_arms
from unmuted.evaluation.generated_audio import PRESENT, likeness
from unmuted.evaluation.label_metrics import label_metrics
from unmuted.evaluation.outcomes import ArmOutcome
from unmuted.evaluation.provenance import provenance
from unmuted.evaluation.schema import write_report
from unmuted.features.audioset import load_labels
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip
from unmuted.systems.arch1.dictionary import SemanticDictionary
from unmuted.systems.arch1.feature_filter import labels_agree, threshold_curve
from unmuted.systems.arch1.label_prediction import choose_threshold
from unmuted.systems.arch1.report import LEAKS, SCHEMA, build_report
from unmuted.systems.comparison.inputs import (
    filter_rule,
    similarities,
    video_posterior,
)
from unmuted.systems.comparison.planned import check_report_arms
from unmuted.systems.comparison.tested import TestedClips, load_tested
from unmuted.systems.shared.projection import Projection

STAGES = ("ast", "video_generated", "predicted_labels", "predictions", "comparison_predictions")
TOP = 5  # labels of each action in the dictionary's table
CURVE = range(0, 100, 5)  # percentiles of the test clips' similarity


def main(job: ReportJob, metrics: str, dictionary: str) -> None:
    """Write the metrics and the dictionary; nothing is fitted or chosen on test clips."""
    check_report_arms("arch1_metrics", job.config)
    tested = load_tested(job, STAGES)
    choice = job.units("comparison_selection")["all"].json()
    report = build_report(
        data=tested.data(),
        labels=tested.labels,
        arms=_arms(job, tested, choice),
        bootstrap=tested.bootstrap,
        leaks=leaking_arms(job.config["filter"]),
        sections={
            "generation": _generation(job, tested),
            "labels": _labels(job, tested),
            "filter": _filter(job, tested, choice),
            "dictionary": {"sentence": job.config["models"]["sentence"], "top": TOP},
            "provenance": provenance(job, [clip.video_id for clip in tested.clips]),
        },
    )
    write_report(Path(metrics), report, SCHEMA)
    _write_dictionary(job, Path(dictionary))


def _arms(
    job: ReportJob, tested: TestedClips, choice: Mapping[str, object]
) -> dict[str, ArmOutcome]:
    leaks = leaking_arms(job.config["filter"])
    epochs = job.units("selection")["all"].json()["arms"]
    main_arms = {
        arm: ArmOutcome(
            tested.probabilities(arm),
            tested.audio(arm),
            [one["epoch"] for one in epochs[arm]],
        )
        for arm in ("video_only", "real_audio")
    }
    percentile = choice["filters"]["filtered"]["chosen"]
    units = {
        "generated": ("generated_arch1", "generated_arch1"),
        "filtered": ("filtered", f"filtered-{percentile:g}"),
        "oracle_filter": ("oracle_filter", f"filtered-{percentile:g}"),
    }
    own = {
        name: ArmOutcome(
            tested.probabilities(arm, "comparison_predictions"),
            tested.audio(arm, leaks),
            [one["epoch"] for one in choice["units"][unit]],
        )
        for name, (arm, unit) in units.items()
    }
    order = ("video_only", *units, "real_audio")
    return {name: {**main_arms, **own}[name] for name in order}


def _generation(job: ReportJob, tested: TestedClips) -> dict[str, object]:
    """How close generated features come to the real ones of test clips with usable sound."""
    projection = Projection(**job.units("projection")[FULL].tensors())
    made = [clip.artifacts["video_generated"].tensors()["audio"] for clip in tested.clips]
    real = np.stack([clip.audio(projection) for clip in tested.clips])
    return likeness(np.stack(made, axis=1), real, tested.usable, tested.bootstrap)


def _labels(job: ReportJob, tested: TestedClips) -> dict[str, object]:
    """Labels predicted from generated audio, and from real audio through the same projection."""
    val = [clip for clip in tested.experiment.split("val") if clip.has_sound]
    test = [clip for clip in tested.clips if clip.has_sound]
    if not val or not test or not _present(val).any():
        return {"present_from": PRESENT, "generated": None, "real": None}
    seeds = range(len(job.seeds))
    generated = [_scored(val, test, lambda found, i=i: found["scores"][i]) for i in seeds]
    means = {
        name: None if None in values else float(np.mean(values))
        for name in generated[0]
        if (values := [one[name] for one in generated])
    }
    return {
        "present_from": PRESENT,
        "generated": {**means, "per_seed": generated},
        "real": _scored(val, test, lambda found: found["real_scores"]),
    }


def _scored(val: Sequence[Clip], test: Sequence[Clip], scores_of) -> dict[str, object]:
    """Metrics on test clips with the threshold that is best on validation clips."""
    scores = {
        name: np.stack([scores_of(c.artifacts["predicted_labels"].tensors()) for c in clips])
        for name, clips in (("val", val), ("test", test))
    }
    threshold = choose_threshold(_present(val), scores["val"])
    return label_metrics(_present(test), scores["test"], threshold)


def _present(clips: Sequence[Clip]) -> np.ndarray:
    """bool (N, L): labels that AST hears in the real audio."""
    return np.stack([clip.artifacts["ast"].tensors()["scores"] for clip in clips]) >= PRESENT


def _filter(job: ReportJob, tested: TestedClips, choice: Mapping[str, object]) -> dict[str, object]:
    """What was chosen, what it keeps of the test clips, and what other thresholds would pick."""
    chosen = choice["filters"]["filtered"]
    predictions = tested.predictions("comparison_predictions")
    kept = {
        arm: np.mean([one["kept"][arm] for one in predictions], axis=0).tolist()
        for arm in ("filtered", "oracle_filter", "shuffled_dictionary")
        if arm in predictions[0]["kept"]
    }
    rule = filter_rule(job.config["filter"])
    similarity = rule.judge(
        similarities(tested.clips, "filtered"), video_posterior(tested.clips), tested.labels
    )  # (N, S)
    heard = [i for i, clip in enumerate(tested.clips) if clip.has_sound]
    present = _present([tested.clips[i] for i in heard]) if heard else np.zeros((0, 1), bool)
    named = [i for i, one in zip(heard, present, strict=True) if one.any()]
    curve = []
    if named:
        scores = np.stack(
            [tested.clips[i].artifacts["predicted_labels"].tensors()["scores"][0] for i in named]
        )
        agree = labels_agree(present[[heard.index(i) for i in named]], scores)
        limits = np.percentile(similarity[:, 0], list(CURVE)).tolist()
        curve = threshold_curve(similarity[named, 0], agree, limits)
    leaks = "filtered" in leaking_arms(job.config["filter"])
    return {
        **({"leaks": LEAKS} if leaks else {}),
        "percentile": chosen["chosen"],
        "candidates": chosen["candidates"],
        "kept_share": {arm: {"mean": float(np.mean(v)), "per_seed": v} for arm, v in kept.items()},
        "curve": curve,
    }


def _write_dictionary(job: ReportJob, path: Path) -> None:
    words = job.units("dictionary")["all"].tensors()
    similarity = words["actions"] @ words["labels"].T
    dictionary = SemanticDictionary(tuple(job.classes), tuple(load_labels()), similarity)
    rows = dictionary.rows(TOP)
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if "snakemake" in globals():
    run_job(snakemake, main)
