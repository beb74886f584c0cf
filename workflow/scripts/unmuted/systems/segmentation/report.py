"""The report of audio-visual segmentation: what sounds, and how much the masks depend on sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from unmuted.dataset.videos import straddling_sources
from unmuted.engine.job import ReportJob
from unmuted.errors import UserError
from unmuted.evaluation.bootstrap import ALPHA, draw_groups
from unmuted.evaluation.outputs import Output, table
from unmuted.evaluation.provenance import provenance, published_path
from unmuted.samples.experiment import Clip, Experiment, load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.segmentation.arms import (
    ARMS,
    OTHER,
    PICTURE_ONLY,
    PRIMARY,
    conditions_of,
    tested_conditions,
)
from unmuted.systems.segmentation.checkpoint_config import checkpoint_path, named
from unmuted.systems.segmentation.clip_data import OWN
from unmuted.systems.segmentation.dependence import check_bound, union_of_both
from unmuted.systems.segmentation.figures import draw_figures
from unmuted.systems.segmentation.loading import SECONDS, SOUND
from unmuted.systems.segmentation.measured import Scored, Seconds, TestClip, own_measures
from unmuted.systems.segmentation.missing import missing_section
from unmuted.systems.segmentation.pixel_counts import THRESHOLDS
from unmuted.systems.segmentation.published_metrics import published_metrics
from unmuted.systems.segmentation.scores_job import READY
from unmuted.systems.segmentation.sections import (
    Tested,
    ablation_pairs,
    arm_section,
    contrast_pairs,
    contrast_section,
    criteria,
    dependence_section,
    in_words,
    per_class,
)
from unmuted.systems.segmentation.selection_job import check_unseen

Selection = Mapping[str, Sequence[Mapping[str, Any]]]  # choices by arm, one for each seed

SCHEMA_VERSION = 1
SYSTEM = "segmentation"
SCORES = "avs_scores"
ROLES = ("avs_backbone",)
PUBLISHED_BATCH = 20  # frames: 4 clips of 5, as the published evaluation
EXPLORATORY = 5  # seeds; with fewer, the report says so
MAIN_KINDS = ("", "family")  # all others are reported apart
NOT_COMPARABLE = (
    "published figures are of AVSBench with VGGish audio, whose mIoU is a mean over batches and "
    "counts unmarked pixels in silence, and whose F takes the best threshold of each batch of the "
    "test set; the variants named `published` follow them, the others do not"
)


def contents(job: ReportJob) -> dict[str, Output]:
    """Compute metrics, the table of arms and conditions, and figures from scores of test clips."""
    experiment = load_experiment(job, (SCORES,), SECONDS)
    found = [clip for clip in experiment.split("test") if SCORES in clip.artifacts]
    if len({clip.group for clip in found}) < 2:
        raise UserError(
            "results/avs_metrics.json needs test videos with masks from at least 2 sources; the "
            "masks of videos without truth are in results/by_video"
        )
    clips = [
        TestClip(
            clip.video_id,
            clip.group,
            clip.label or "",
            job.videos[clip.video_id].extra.get("kind", ""),
            clip.artifacts[SCORES].tensors(),
        )
        for clip in found
    ]
    if job.config["avs"]["checkpoint"] is None:
        selection, seeds = trained_networks(job, found), list(job.seeds)
    else:
        selection, seeds = ready_networks(job, experiment, clips)
    report = build_report(job.config, clips, selection, seeds)
    counts = {
        split: len({clip.video_id for clip in experiment.split(split)})
        for split in ("train", "val", "test")
    }
    report["data"] |= {
        "sources_straddle": straddling_sources(job.videos.values()),
        "videos": counts,
        "excluded": dict(experiment.excluded),
    }
    report["provenance"] = {**_provenance(job, [clip.name for clip in clips]), "seeds": seeds}
    return {
        "metrics": report,
        "table": arms_table(report),
        "figures": partial(draw_figures, report),
    }


def trained_networks(job: ReportJob, tested: Sequence[Clip]) -> Selection:
    """Return what was chosen of the networks of this run, which must not know the test clips."""
    for fits in job.fits_by_seed("avs").values():
        for artifact in fits.values():
            check_unseen(artifact.tensors(), tested)
    selection: Selection = job.fits("avs_selection")[ONLY_FIT].json()["arms"]
    return selection


def ready_networks(
    job: ReportJob, experiment: Experiment, clips: Sequence[TestClip]
) -> tuple[Selection, list[int]]:
    """Return what was chosen of ready networks, and their seeds.

    Raises UserError for networks that know a test clip, and where others were scored than there
    are now.
    """
    from unmuted.systems.segmentation.ready_model import check_unread, read_ready

    ready, folder = read_ready(job), checkpoint_path(job.config["avs"])
    check_unread(ready, folder, experiment.clips)
    digest = ready.digest()
    if any(bytes(clip.arrays[READY]).decode() != digest for clip in clips):
        raise UserError(
            f"{named(folder)} changed after results/avs_scores were made: run again with "
            "--forcerun predict_avs_masks score_avs"
        )
    return {ready.arm: ready.choices}, ready.seeds


def _provenance(job: ReportJob, video_ids: Sequence[str]) -> dict[str, Any]:
    """Return where the results come from; AST is the one of `avs_audio`."""
    found: dict[str, Any] = provenance(job, video_ids, ROLES)
    given = job.config["models"]["ast"]
    sounds = job.artifacts(SOUND, video_ids).values()
    found["models"]["ast"] = {
        "id": given.get("id") or published_path(given["path"]),
        "revision": job.model_identity("ast"),
        "dtype": " and ".join(sorted({bytes(a.tensors()["dtype"]).decode() for a in sounds})),
    }
    return found


def build_report(
    config: Mapping[str, Any],
    clips: Sequence[TestClip],
    selection: Selection,
    seeds: Sequence[int],
) -> dict[str, Any]:
    """Build the content of avs_metrics.json, except for where it comes from.

    Raises UserError where an arm that reads only the picture is above the bound on A/B pairs.
    """
    main = [clip for clip in clips if clip.kind in MAIN_KINDS]
    apart = sorted({clip.kind for clip in clips} - set(MAIN_KINDS))
    scores = scored_arms(main, config, selection)
    tested = _tested(main, config, len(seeds))
    arms = {
        name: {
            **in_words(name),
            **arm_section(by_condition[OWN], tested),
            "per_class": per_class(by_condition[OWN], tested, [clip.label for clip in main]),
            "published": _published(by_condition[OWN], tested),
            **_chosen(selection[name]),
        }
        for name, by_condition in scores.items()
    }
    dependence = {
        name: dependence_section(by_condition, tested)
        for name, by_condition in scores.items()
        if not ARMS[name].is_oracle
    }
    bounded = check_pictures_only(scores, tested.seconds)
    measures = {
        name: own_measures(by_condition[OWN], tested.seconds, tested.clips)
        for name, by_condition in scores.items()
    }
    headline = "ab_iou" if tested.seconds.is_pair.any() else "strict_iou"
    values = {name: found[headline] for name, found in measures.items()}
    return {
        "schema_version": SCHEMA_VERSION,
        "system": SYSTEM,
        "data": _data(main, tested.seconds),
        "headline": headline,
        "arms": arms,
        "dependence": dependence,
        "bound": {
            "limit": 0.5,
            "of_pairs": bounded,
            "union_of_both": union_of_both(tested.seconds),
        },
        "contrasts": contrast_section(values, contrast_pairs(list(scores)), tested, PRIMARY),
        "ablations": contrast_section(values, ablation_pairs(list(scores)), tested, None),
        "missing": missing_section(scores, tested, config["missing"]["test_rates"], headline),
        "fusion": fusion_section(config, selection),
        "criteria": criteria(arms, dependence, bounded),
        "apart": {kind: _apart(kind, clips, config, selection, len(seeds)) for kind in apart},
        "statistics": _statistics(config, tested, len(seeds)),
    }


def scored_arms(
    clips: Sequence[TestClip],
    config: Mapping[str, Any],
    selection: Selection,
) -> dict[str, dict[str, Scored]]:
    """Join the scores of clips by arm and condition; `other` only where every clip has it."""
    avs = config["avs"]
    available = {*tested_conditions(avs["conditions"], avs["checkpoint"] is None), OWN}
    found = {}
    for name, choices in selection.items():
        thresholds = [choice["threshold"] for choice in choices]
        conditions = conditions_of(ARMS[name], available)
        found[name] = {
            condition: Scored.of(clips, name, condition, thresholds) for condition in conditions
        }
        paired = [_as_other(clip, name) for clip in clips]
        if ARMS[name].reads_audio and any(one is not None for one in paired):
            with_other = [
                clip if one is None else one for clip, one in zip(clips, paired, strict=True)
            ]
            found[name][OTHER] = Scored.of(with_other, name, OWN, thresholds)
    return found


def _as_other(clip: TestClip, arm: str) -> TestClip | None:
    """Return the clip with the scores of the other clip's sound as its own; None without any."""
    prefix = f"{arm}.{OTHER}."
    scores = {
        name.replace(prefix, f"{arm}.{OWN}."): array
        for name, array in clip.arrays.items()
        if name.startswith(prefix)
    }
    if not scores:
        return None
    return TestClip(clip.name, clip.group, clip.label, clip.kind, {**clip.arrays, **scores})


def check_pictures_only(
    scores: Mapping[str, Mapping[str, Scored]], seconds: Seconds
) -> dict[str, list[float]]:
    """Check the bound of everything that reads the picture alone; return its means by seed."""
    found = {}
    for name, by_condition in scores.items():
        arm = ARMS[name]
        for condition, scored in by_condition.items():
            own = condition == OWN and arm.reads_only_picture
            if own or condition in PICTURE_ONLY:
                found[f"{name}.{condition}"] = check_bound(f"{name}.{condition}", scored, seconds)
    return found


def fusion_section(config: Mapping[str, Any], selection: Selection) -> dict[str, Any]:
    """Compare the fusions on validation; null where only one was trained."""
    by_fusion: dict[str, float] = {}
    for name in ("real_audio", "other_fusion"):
        for choices in [selection.get(name, ())]:
            if choices:
                by_fusion[choices[0]["fusion"]] = float(np.mean([c["score"] for c in choices]))
    best = max(by_fusion, key=lambda fusion: by_fusion[fusion]) if len(by_fusion) > 1 else None
    return {
        "configured": config["avs"]["fusion"],
        "validation_strict_iou": by_fusion,
        "better_on_validation": best,
    }


def _tested(clips: Sequence[TestClip], config: Mapping[str, Any], seeds: int) -> Tested:
    groups = [clip.group for clip in clips]
    draws = config["bootstrap"]
    bootstrap = draw_groups(groups, draws["resamples"], draws["seed"], seeds)
    seconds = Seconds.of(clips, config["wav"]["silence_db"])
    return Tested(seconds, len(clips), bootstrap, groups)


def _apart(
    kind: str,
    clips: Sequence[TestClip],
    config: Mapping[str, Any],
    selection: Selection,
    seeds: int,
) -> dict[str, Any] | None:
    """Measure clips of a kind that is no target; None where they are of one source."""
    chosen = [clip for clip in clips if clip.kind == kind]
    if len({clip.group for clip in chosen}) < 2:
        return None
    scores = scored_arms(chosen, config, selection)
    tested = _tested(chosen, config, seeds)
    check_pictures_only(scores, tested.seconds)
    return {
        "clips": len(chosen),
        "arms": {
            name: arm_section(by_condition[OWN], tested) for name, by_condition in scores.items()
        },
    }


def _published(own: Scored, tested: Tested) -> dict[str, float]:
    """Compute the published metrics, the mean over seeds, named with the frames of a batch."""
    labelled = tested.seconds.has_truth | tested.seconds.is_empty_truth
    found = [published_metrics(counts[labelled], PUBLISHED_BATCH) for counts in own.counts]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _chosen(choices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "parameters": choices[0]["parameters"],
        "fusion": choices[0]["fusion"],
        "chosen_epochs": [choice["epoch"] for choice in choices],
        "thresholds": [float(THRESHOLDS[choice["threshold"]]) for choice in choices],
        "validation_strict_iou": [choice["score"] for choice in choices],
        "crop_separation": [choice["crop_separation"] for choice in choices],
    }


def _data(clips: Sequence[TestClip], seconds: Seconds) -> dict[str, Any]:
    return {
        "sources": len({clip.group for clip in clips}),
        "clips": len(clips),
        "classes": dict(sorted(Counter(clip.label for clip in clips).items())),
        "seconds": len(seconds.clip),
        "seconds_with_truth": int(seconds.has_truth.sum()),
        "seconds_with_empty_truth": int(seconds.is_empty_truth.sum()),
        "seconds_unlabelled": int((~seconds.has_truth & ~seconds.is_empty_truth).sum()),
        "seconds_of_pairs": int(seconds.is_pair.sum()),
    }


def _statistics(config: Mapping[str, Any], tested: Tested, seeds: int) -> dict[str, Any]:
    return {
        "intervals": "95 % percentile bootstrap of sources and seeds, the draws the same for all "
        "arms",
        "missing": "expected over all ways in which a share of the test clips loses its sound; "
        "the contrasts are of clips that all have lost it, a family of Holm's method",
        "tests": "p is the larger of two: of swapping two arms in whole sources, and of the "
        "interval's own draws; p_adjusted: Holm's method over all but the primary contrast",
        "level": ALPHA,
        "resamples": config["bootstrap"]["resamples"],
        "seeds": seeds,
        "exploratory": seeds < EXPLORATORY,
        "thresholds": "on validation: of each checkpoint, of the thresholds whose IoU where "
        f"something sounds is at most {config['avs']['threshold_slack']} below the highest, that "
        "which leaves the most seconds empty in which nothing does; and the checkpoint of the "
        "highest strict IoU",
        "silence_rule": "none: metrics are of the networks as they are",
        "comparable": NOT_COMPARABLE,
    }


COLUMNS = ("arm", "condition", "measure", "mean", "ci95_low", "ci95_high")
OWN_MEASURES = (
    *("ab_iou", "iou", "f", "strict_iou", "empty_off_screen", "empty_silent", "false_area"),
)


def arms_table(report: Mapping[str, Any]) -> Any:
    """Make the table of arms and conditions: mean and interval of every measure."""
    rows = []
    for name, arm in report["arms"].items():
        rows += [_row(name, OWN, measure, arm[measure]) for measure in OWN_MEASURES]
    for name, by_condition in report["dependence"].items():
        for condition, found in by_condition.items():
            if condition == "follows":
                rows.append(_row(name, OTHER, "follows", found))
            elif condition != OWN:
                rows += [_row(name, condition, key, value) for key, value in found.items()]
    rows += _missing_rows(report["missing"])
    return table([row for row in rows if row], list(COLUMNS))


def _missing_rows(missing: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    """Return the rows of the curves; a condition is what stands for lost sound, and the share."""
    rows = []
    for name, by_measure in missing["curves"].items():
        arm, condition = name.split(".")
        for measure, values in by_measure.items():
            for rate, value in zip(missing["rates"], values, strict=True):
                rows.append(_row(arm, f"{condition} for {rate:.0%}", measure, value))
    return rows


def _row(
    arm: str, condition: str, measure: str, found: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    if found is None:
        return None
    low, high = found["ci95"]
    values = (arm, condition, measure, found["mean"], low, high)
    return dict(zip(COLUMNS, values, strict=True))
