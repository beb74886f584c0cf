"""The spotter that a run has trained, as a folder for other runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import Output
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.folds import read_in_fit
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.loading import STEPS
from unmuted.systems.highlights.spotter_config import grid_of
from unmuted.systems.highlights.spotter_folder import TrainedSpotter, export_spotter
from unmuted.systems.highlights.spotting import Calibration, SpotRule
from unmuted.systems.shared.projection import Projection
from unmuted.training.checkpoints import snapshot

if TYPE_CHECKING:
    from unmuted.training.states import State


def contents(job: ReportJob) -> dict[str, Output]:
    """Give what writes the folder: the chosen checkpoints of the arm `highlights.arm`."""
    highlights, arm = job.config["highlights"], job.config["highlights"]["arm"]
    selection = job.fits("spotter_selection")[ONLY_FIT].json()
    fits = job.fits_by_seed("spotter")
    spotter = TrainedSpotter(
        kinds=tuple(selection["kinds"]),
        arm=ARMS[arm],
        backbone=job.model_identity("step_backbone"),
        grid=grid_of(job.config["steps"]),
        seeds=tuple(
            (snapshot(fits[c["seed"]][arm].tensors(), c["snapshot"]), Calibration.of(c))
            for c in selection["arms"][arm]
        ),
        reach=round(highlights["sampling"]["radius"] * job.config["steps"]["rate"]),
        projection=Projection(**job.fits("step_projection")[ONLY_FIT].tensors()),
        sound_scale=highlights["sound_scale"],
        rule=SpotRule.of(selection["ensembles"][arm]),
        read=hashes_of_read(job),
    )

    def write(path: Path) -> None:
        export_spotter(path, spotter)

    return {"folder": write}


def hashes_of_read(job: ReportJob) -> State:
    """Return hashes of all recordings and matches that fits and choices of this run may read.

    A match that was merged with another one of the same content is known by both names.
    """
    experiment = load_experiment(job, (), STEPS)
    clips = [*experiment.clips_for_fits(), *experiment.split("val")]
    if job.config["highlights"]["split_by_clip"]:
        clips += experiment.split("test")
    groups = {clip.group for clip in clips}
    merged = {name for name, group in experiment.canonical_groups.items() if group in groups}
    return read_in_fit([clip.key for clip in clips], sorted(groups | merged))
