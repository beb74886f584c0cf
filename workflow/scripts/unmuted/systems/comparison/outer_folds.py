"""The section "outer_folds" of the comparison's report: all labelled clips, each tested once.

The test clips of all folds are pooled, with the predictions of the models that know none of their
source. Whole source groups are resampled, as for the splits of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import COMPARISON_ARMS, leaking_arms, roles_of
from unmuted.evaluation.bootstrap import draw_groups
from unmuted.evaluation.outcomes import ArmOutcome, EvaluationClips
from unmuted.evaluation.tested import TestedClips, load_tested
from unmuted.systems.comparison.chosen_arms import ChosenArms
from unmuted.systems.comparison.planned import outer_fold_runs
from unmuted.systems.comparison.recognisers import own_experiments
from unmuted.systems.comparison.sections import ComparisonData, compare_arms

OF_ONE_FOLD = ("audio", "chosen_epochs")  # what an arm has in every fold, and not as a whole


def outer_folds_section(job: ReportJob, chosen: ChosenArms) -> dict[str, Any] | None:
    """Build the section; None where the configuration has no outer folds."""
    folds = [_tested(job.scenario(name), chosen) for name in outer_fold_runs(job.config)]
    if not folds:
        return None
    compared = pool(folds, chosen, job.config)
    sections = compare_arms(compared, job.config["comparison"]["primary"])
    return {
        "folds": [
            {split: tested.data()[split] for split in ("train", "val", "test")} for tested in folds
        ],
        "clips": len(compared.clips.labels),
        "groups": compared.clips.bootstrap.draws.shape[1],
        "arms": {
            name: {key: value for key, value in arm.items() if key not in OF_ONE_FOLD}
            for name, arm in sections["arms"].items()
        },
        **{name: sections[name] for name in ("contrasts", "ceiling", "recovery")},
    }


def pool(
    folds: list[TestedClips],
    chosen: ChosenArms,
    config: Mapping[str, Any],
) -> ComparisonData:
    """Put the test clips of all folds together. Raises ValueError for a clip tested twice."""
    ids = [video_id for tested in folds for video_id in tested.video_ids]
    if len(set(ids)) < len(ids):
        raise ValueError(f"{len(ids) - len(set(ids))} clips are tested in two outer folds")
    arms = {arm: ArmOutcome(_probabilities(folds, arm), {}, []) for arm in chosen.arms}
    labels = np.concatenate([tested.labels for tested in folds])
    groups = [clip.group for tested in folds for clip in tested.clips]
    usable = np.concatenate([tested.usable for tested in folds])
    seeds, settings = len(next(iter(arms.values())).probabilities), config["bootstrap"]
    draws = draw_groups(groups, settings["resamples"], settings["seed"], seeds, labels)
    roles = roles_of(arms, leaking_arms(config["filter"]))
    margin = config["evaluation"]["equivalence_margin"]
    return ComparisonData(arms, roles, EvaluationClips(labels, usable, draws), margin)


def _tested(run: ReportJob, chosen: ChosenArms) -> TestedClips:
    stages = dict.fromkeys(COMPARISON_ARMS[arm].predictions for arm in chosen.arms)
    return load_tested(run, ["ast", *stages], others=own_experiments(run, chosen.arms))


def _probabilities(folds: list[TestedClips], arm: str) -> np.ndarray:
    """Return the class probabilities (S, N, C) of the test clips of all folds."""
    row = COMPARISON_ARMS[arm]
    name, stage = row.main_name or arm, row.predictions
    return np.concatenate([tested.probabilities(name, stage) for tested in folds], axis=1)
