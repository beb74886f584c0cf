"""The recognisers among the arms, by arm: a new one is a line here and its row of the arms."""

from __future__ import annotations

from collections.abc import Collection

from unmuted.engine.job import ReportJob
from unmuted.samples.experiment import Experiment, load_experiment
from unmuted.systems.cnn_rnn import arm as cnn_rnn
from unmuted.systems.pilot import arm as pilot

RECOGNISERS = {"pilot": pilot.RECOGNISER, "cnn_rnn": cnn_rnn.RECOGNISER}


def own_experiments(job: ReportJob, arms: Collection[str]) -> dict[str, Experiment]:
    """Read the experiments of arms whose samples need other stages than those of most arms."""
    needs = {arm: RECOGNISERS[arm].needs for arm in arms if arm in RECOGNISERS}
    return {arm: load_experiment(job, needs=stages) for arm, stages in needs.items() if stages}
