"""The report of the comparison: all arms, and all imputations, on the same test clips."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import leaking_arms, roles_of
from unmuted.evaluation.headroom import headroom
from unmuted.evaluation.missing_audio import (
    FAMILIES,
    CorrectByAudio,
    imputation_contrasts,
    rate_curves,
)
from unmuted.evaluation.outcomes import statistics
from unmuted.evaluation.outputs import Output, table
from unmuted.evaluation.provenance import ROLES, provenance
from unmuted.evaluation.tested import TestedClips, chosen_classifier, load_tested
from unmuted.samples.experiment import Experiment, load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.missing_audio import is_missing, missing_table
from unmuted.samples.swap_partners import swap_partners_of
from unmuted.systems.comparison.chosen_arms import (
    PARTS,
    REAL_OR,
    SORTED_TAIL,
    ChosenArms,
    chosen_arms,
)
from unmuted.systems.comparison.figures import draw_figures
from unmuted.systems.comparison.muted import with_muted_arms
from unmuted.systems.comparison.planned import training_rates
from unmuted.systems.comparison.recognisers import RECOGNISERS
from unmuted.systems.comparison.sections import (
    COLUMNS,
    SCHEMA_VERSION,
    ComparisonData,
    choices,
    compare_arms,
    sample_counts,
    tidy_rows,
)
from unmuted.systems.shared.generation_report import generation_figures

# The arms that the main experiment trains, with their names there.
MAIN = {name: arm.main_name for name, arm in PARTS.items() if arm.main_name}
NO_CHOICE: dict[str, Any] = {"units": {}, "filters": {}}  # of a comparison that trains nothing


def contents(job: ReportJob) -> dict[str, Output]:
    """Compute the metrics, their table, the masks of missing audio, and the figures."""
    chosen = chosen_arms(job.config)
    _warn_without_cnn_rnn(job)
    others = _own_experiments(job, chosen)
    of_generation = [*chosen.generated.values(), "retrieved"] if chosen.generated else []
    tested = load_tested(job, ["ast", *chosen.predictions, *of_generation], others=others)
    has_fits = bool(chosen.fits)
    choice = job.fits("comparison_selection")[ONLY_FIT].json() if has_fits else NO_CHOICE
    compared = _compared(job, tested, chosen, choice)
    backbones = [role for arm in RECOGNISERS for role in PARTS[arm].models]
    roles = [*ROLES, *(role for role in backbones if role in chosen.models)]
    report = {
        "schema_version": SCHEMA_VERSION,
        "system": "comparison",
        "data": tested.data(),
        "samples": sample_counts({"others": tested.experiment, **others}),
        **with_muted_arms(compare_arms(compared, job.config["comparison"]["primary"]), tested),
        "generation": _generation(job, tested, chosen),
        "missing": _missing(job, tested, chosen),
        "filter": choice["filters"],
        "statistics": statistics(tested.bootstrap, choices(chosen), FAMILIES),
        "provenance": provenance(job, tested.video_ids, roles),
    }
    report |= headroom(job, tested, report)
    return {
        "metrics": report,
        "table": table(tidy_rows(report), list(COLUMNS)),
        "masks": table(_mask_rows(job, tested)),
        "figures": partial(draw_figures, job=job, tested=tested, compared=compared, report=report),
    }


def _generation(job: ReportJob, tested: TestedClips, chosen: ChosenArms) -> dict[str, Any]:
    """Build the section "generation": how much each generator explains, next to baselines."""
    if not chosen.generated:
        return {}
    audio = {
        arm: np.stack([clip.artifacts[stage].tensors()["audio"] for clip in tested.clips], axis=1)
        for arm, stage in chosen.generated.items()
    }
    return generation_figures(job, tested, audio, tested.probabilities("video_only"))


def _own_experiments(job: ReportJob, chosen: ChosenArms) -> dict[str, Experiment]:
    """Read the experiments of arms whose samples need other stages than those of most arms."""
    needs = {arm: RECOGNISERS[arm].needs for arm in chosen.arms if arm in RECOGNISERS}
    return {arm: load_experiment(job, needs=stages) for arm, stages in needs.items() if stages}


def _missing(job: ReportJob, tested: TestedClips, chosen: ChosenArms) -> dict[str, Any]:
    """Build the section "missing": the cost of missing audio, by the rates of training and test."""
    settings, leaks = job.config["missing"], leaking_arms(job.config["filter"])
    rates = sorted(settings["test_rates"])
    lost = {
        rate: np.array([is_missing(clip.key, settings["seed"], rate) for clip in tested.clips])
        for rate in rates
    }
    runs = training_rates(job.config) if chosen.imputing_arms else {settings["training_rate"]: ""}
    correct = {
        f"{rate:g}": _correct_by_audio(job.scenario(name), tested, chosen)
        for rate, name in runs.items()
    }
    return {
        "test_rates": rates,
        "training_rate": settings["training_rate"],
        "missing_clips": [int(mask.sum()) for mask in lost.values()],
        "curves": {
            rate: rate_curves(arms, lost, settings["kinds"], tested.bootstrap, leaks)
            for rate, arms in correct.items()
        },
        "contrasts": {
            rate: imputation_contrasts(arms, lost, tested.bootstrap, leaks)
            for rate, arms in correct.items()
        },
    }


def _compared(
    job: ReportJob, tested: TestedClips, chosen: ChosenArms, choice: Mapping[str, Any]
) -> ComparisonData:
    leaks = leaking_arms(job.config["filter"])
    checkpoints = _checkpoints(job, chosen, choice)
    arms = {}
    for arm in chosen.arms:
        name, stage = MAIN.get(arm, arm), PARTS[arm].predictions
        arms[arm] = tested.outcome(name, checkpoints[arm], stage, leaks)
    margin = job.config["evaluation"]["equivalence_margin"]
    return ComparisonData(arms, roles_of(arms, leaks), tested.measured, margin)


def _checkpoints(
    job: ReportJob, chosen: ChosenArms, choice: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Return the checkpoints that were chosen on validation clips, one per seed, by arm."""
    main = job.fits("selection")[ONLY_FIT].json()["arms"]
    checkpoints = {arm: choice["units"][chosen_classifier(arm, choice)] for arm in chosen.compared}
    checkpoints |= {arm: main[MAIN[arm]] for arm in chosen.arms if arm in MAIN}
    systems = {arm: RECOGNISERS[arm] for arm in chosen.arms if arm in RECOGNISERS}
    return checkpoints | {arm: system.checkpoints(job) for arm, system in systems.items()}


def _warn_without_cnn_rnn(job: ReportJob) -> None:
    is_default = "arms" not in job.config["comparison"]
    if is_default and job.config["cnn_rnn"]["split"] == SORTED_TAIL:
        logging.getLogger("unmuted").warning(
            "cnn_rnn is no arm of this comparison: under cnn_rnn.split sorted_tail it was trained "
            "on validation clips and chosen on training clips"
        )


def _correct_by_audio(
    run: ReportJob, tested: TestedClips, chosen: ChosenArms
) -> dict[str, CorrectByAudio]:
    """Tell by arm whether it is right about the test clips with and without their own sound."""
    names = tested.video_ids
    video = (tested.probabilities("video_only").argmax(axis=2) == tested.labels).astype(float)
    correct = {"video_only": CorrectByAudio(video, video, video, video)}
    if not chosen.imputing_arms:
        return correct
    artifacts = run.artifacts("comparison_predictions", names)
    clips = [artifacts[name].json()["missing"] for name in names]
    for arm in clips[0]:
        right = {
            state: tested.labels
            == np.array([c[arm][state] for c in clips], np.float32).argmax(axis=2).T
            for state in clips[0][arm]
        }
        name = arm.removeprefix(REAL_OR)
        correct[name] = CorrectByAudio(**{s: values.astype(float) for s, values in right.items()})
    return correct


def _mask_rows(job: ReportJob, tested: TestedClips) -> list[dict[str, object]]:
    settings = job.config["missing"]
    rates = sorted({*settings["test_rates"], *settings["training_rates"]})
    rows = []
    for split in ("train", "val", "test"):
        clips = tested.experiment.split(split)
        pairs = zip(clips, swap_partners_of(clips, settings["seed"]), strict=True)
        partners = {clip.video_id: other.video_id for clip, other in pairs if other is not None}
        rows += missing_table(clips, settings["seed"], rates, partners)
    return rows
