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
from unmuted.evaluation.missing_audio import FAMILIES
from unmuted.evaluation.near_duplicates import data_section
from unmuted.evaluation.outcomes import statistics
from unmuted.evaluation.outputs import Output, table
from unmuted.evaluation.provenance import ROLES, provenance
from unmuted.evaluation.tested import TestedClips, chosen_classifier, load_tested
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.comparison.chosen_arms import (
    PARTS,
    SORTED_TAIL,
    ChosenArms,
    chosen_arms,
)
from unmuted.systems.comparison.figures import draw_figures
from unmuted.systems.comparison.missing_section import mask_rows, missing_section
from unmuted.systems.comparison.muted import with_muted_arms
from unmuted.systems.comparison.outer_folds import outer_folds_section
from unmuted.systems.comparison.recognisers import RECOGNISERS, own_experiments
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
    others = own_experiments(job, chosen.arms)
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
        "data": data_section(tested, job.config["splits"]),
        "samples": sample_counts({"others": tested.experiment, **others}),
        **with_muted_arms(compare_arms(compared, job.config["comparison"]["primary"]), tested),
        "generation": _generation(job, tested, chosen),
        "missing": missing_section(job, tested, chosen),
        "outer_folds": outer_folds_section(job, chosen),
        "filter": choice["filters"],
        "statistics": statistics(tested.bootstrap, choices(chosen), FAMILIES),
        "provenance": provenance(job, tested.video_ids, roles),
    }
    report |= headroom(job, tested, report)
    return {
        "metrics": report,
        "table": table(tidy_rows(report), list(COLUMNS)),
        "masks": table(mask_rows(job, tested)),
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
