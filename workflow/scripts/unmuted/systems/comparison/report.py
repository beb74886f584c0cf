"""The report of the comparison: every way to fill missing audio on the same test clips."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import leaking_arms, roles_of
from unmuted.evaluation.missing_audio import FAMILIES, Heard, filled_contrasts, rate_curves
from unmuted.evaluation.outcomes import statistics
from unmuted.evaluation.outputs import Output, table
from unmuted.evaluation.provenance import ROLES, provenance
from unmuted.evaluation.tested import TestedClips, load_tested
from unmuted.samples.experiment import Experiment, load_experiment
from unmuted.samples.missing_audio import is_missing, missing_table
from unmuted.samples.swap_partners import swap_partners_of
from unmuted.systems.cnn_rnn.sequences import SEQUENCES
from unmuted.systems.comparison.chosen_arms import (
    PARTS,
    REAL_OR,
    SORTED_TAIL,
    ChosenArms,
    chosen_arms,
)
from unmuted.systems.comparison.figures import draw_figures
from unmuted.systems.comparison.planned import training_rates
from unmuted.systems.comparison.sections import (
    COLUMNS,
    SCHEMA_VERSION,
    ComparisonData,
    choices,
    compare_arms,
    sample_counts,
    tidy_rows,
)

BACKBONES = ("pilot_backbone", "cnn_rnn_backbone")
RENAMED = {"generated_arch2": "generated"}  # arms that the main experiment calls otherwise
MAIN = ("video_only", "generated_arch2", "real_audio")
NO_CHOICE = {"units": {}, "filters": {}}  # where the comparison trains no classifier of its own


def contents(job: ReportJob) -> dict[str, Output]:
    """The metrics, the same as a table, the masks of missing audio, and the figures."""
    chosen = chosen_arms(job.config)
    _warn_without_cnn_rnn(job)
    others = _own_experiments(job, chosen)
    tested = load_tested(job, ["ast", *chosen.predictions], others=others)
    has_units = bool(chosen.units)
    choice = job.fits("comparison_selection")["all"].json() if has_units else NO_CHOICE
    compared = _compared(job, tested, chosen, choice)
    roles = [*ROLES, *(role for role in BACKBONES if role in chosen.models)]
    report = {
        "schema_version": SCHEMA_VERSION,
        "system": "comparison",
        "data": tested.data(),
        "samples": sample_counts({"others": tested.experiment, **others}),
        **compare_arms(compared, job.config["comparison"]["primary"]),
        "missing": _missing(job, tested, chosen),
        "filter": choice["filters"],
        "statistics": statistics(tested.bootstrap, choices(chosen), FAMILIES),
        "provenance": provenance(job, tested.video_ids, roles),
    }
    return {
        "metrics": report,
        "table": table(tidy_rows(report), list(COLUMNS)),
        "masks": table(_mask_rows(job, tested)),
        "figures": partial(draw_figures, job=job, tested=tested, compared=compared, report=report),
    }


def _own_experiments(job: ReportJob, chosen: ChosenArms) -> dict[str, Experiment]:
    """Experiments of the chosen arms whose samples need other stages than those of all others."""
    return {"cnn_rnn": load_experiment(job, needs=SEQUENCES)} if "cnn_rnn" in chosen.arms else {}


def _missing(job: ReportJob, tested: TestedClips, chosen: ChosenArms) -> dict[str, Any]:
    """Section "missing": what missing audio costs each arm, by the rates of training and test."""
    settings, leaks = job.config["missing"], leaking_arms(job.config["filter"])
    rates = sorted(settings["test_rates"])
    lost = {
        rate: np.array([is_missing(clip.key, settings["seed"], rate) for clip in tested.clips])
        for rate in rates
    }
    runs = training_rates(job.config) if chosen.fillings else {settings["training_rate"]: ""}
    heard = {f"{rate:g}": _heard(job.scenario(name), tested, chosen) for rate, name in runs.items()}
    return {
        "test_rates": rates,
        "training_rate": settings["training_rate"],
        "missing_clips": [int(mask.sum()) for mask in lost.values()],
        "curves": {
            rate: rate_curves(arms, lost, settings["kinds"], tested.bootstrap, leaks)
            for rate, arms in heard.items()
        },
        "contrasts": {
            rate: filled_contrasts(arms, lost, tested.bootstrap, leaks)
            for rate, arms in heard.items()
        },
    }


def _compared(
    job: ReportJob, tested: TestedClips, chosen: ChosenArms, choice: Mapping[str, Any]
) -> ComparisonData:
    leaks = leaking_arms(job.config["filter"])
    checkpoints = _checkpoints(job, chosen, choice)
    arms = {}
    for arm in chosen.arms:
        name, stage = RENAMED.get(arm, arm), PARTS[arm].predictions
        arms[arm] = tested.outcome(name, checkpoints[arm], stage, leaks)
    return ComparisonData(arms, roles_of(arms, leaks), tested.labels, tested.bootstrap)


def _checkpoints(
    job: ReportJob, chosen: ChosenArms, choice: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """By arm the checkpoints that were chosen on validation clips, one a seed."""
    main = job.fits("selection")["all"].json()["arms"]
    found = {arm: choice["units"][_unit(arm, choice)] for arm in chosen.compared}
    found |= {arm: main[RENAMED.get(arm, arm)] for arm in chosen.arms if arm in MAIN}
    if "pilot" in chosen.arms:
        found["pilot"] = job.fits("pilot_selection")["all"].json()["joint"]
    if "cnn_rnn" in chosen.arms:
        found["cnn_rnn"] = job.fits("cnn_rnn_selection")["all"].json()["arms"]["cnn_rnn"]
    return found


def _unit(arm: str, choice: Mapping[str, Any]) -> str:
    """The classifier of an arm; a filter's is the one with the percentile chosen on validation."""
    filling = PARTS[arm].classifier_of or arm
    if filling not in choice["filters"]:
        return filling
    return f"{filling}-{choice['filters'][filling]['chosen']:g}"


def _warn_without_cnn_rnn(job: ReportJob) -> None:
    is_default = "arms" not in job.config["comparison"]
    if is_default and job.config["cnn_rnn"]["split"] == SORTED_TAIL:
        logging.getLogger("unmuted").warning(
            "cnn_rnn is no arm of this comparison: under cnn_rnn.split sorted_tail it was trained "
            "on validation clips and chosen on training clips"
        )


def _heard(run: ReportJob, tested: TestedClips, chosen: ChosenArms) -> dict[str, Heard]:
    """By arm, whether it is right about the test clips with and without their own sound."""
    names = tested.video_ids
    video = (tested.probabilities("video_only").argmax(axis=2) == tested.labels).astype(float)
    heard = {"video_only": Heard(video, video, video, video)}
    if not chosen.fillings:
        return heard
    found = run.artifacts("comparison_predictions", names)
    clips = [found[name].json()["missing"] for name in names]
    for arm in clips[0]:
        right = {
            state: tested.labels == np.float32([one[arm][state] for one in clips]).argmax(axis=2).T
            for state in clips[0][arm]
        }
        name = arm.removeprefix(REAL_OR)
        heard[name] = Heard(**{state: one.astype(float) for state, one in right.items()})
    return heard


def _mask_rows(job: ReportJob, tested: TestedClips) -> list[dict[str, object]]:
    settings = job.config["missing"]
    rates = sorted({*settings["test_rates"], *settings["training_rates"]})
    rows = []
    for split in ("train", "val", "test"):
        clips = tested.experiment.split(split)
        donors = zip(clips, swap_partners_of(clips, settings["seed"]), strict=True)
        lent = {clip.video_id: donor.video_id for clip, donor in donors if donor is not None}
        rows += missing_table(clips, settings["seed"], rates, lent)
    return rows
