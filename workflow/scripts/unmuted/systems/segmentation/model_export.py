"""The networks that a run has trained, as a folder for other runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import Output
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.folds import read_in_fit
from unmuted.systems.segmentation.checkpoint_config import GRID, ROLES
from unmuted.systems.segmentation.loading import SECONDS
from unmuted.systems.segmentation.ready_model import ReadyModel, export_model
from unmuted.systems.segmentation.sound_space import SoundSpace
from unmuted.training.checkpoints import snapshot

if TYPE_CHECKING:
    from unmuted.training.states import State


def contents(job: ReportJob) -> dict[str, Output]:
    """Give what writes the folder: the chosen checkpoints of the arm `avs.arm`."""
    avs = job.config["avs"]
    choices = job.fits("avs_selection")[ONLY_FIT].json()["arms"][avs["arm"]]
    fits = job.fits_by_seed("avs")
    model = ReadyModel(
        arm=avs["arm"],
        models={role: job.model_identity(role) for role in ROLES},
        grid={key: avs[key] for key in GRID},
        states=tuple(
            snapshot(fits[one["seed"]][avs["arm"]].tensors(), one["snapshot"]) for one in choices
        ),
        choices=tuple(choices),
        space=SoundSpace.unpack(job.fits("avs_space")[ONLY_FIT].tensors()),
        read=hashes_of_read(job),
    )

    def write(path: Path) -> None:
        export_model(path, model)

    return {"folder": write}


def hashes_of_read(job: ReportJob) -> State:
    """Return hashes of all clips and sources that fits and choices of this run may read.

    A source that was merged with another one of the same pictures is known by both names.
    """
    experiment = load_experiment(job, (), SECONDS)
    clips = [*experiment.clips_for_fits(), *experiment.split("val")]
    groups = {clip.group for clip in clips}
    merged = {name for name, group in experiment.canonical_groups.items() if group in groups}
    return read_in_fit([clip.key for clip in clips], sorted(groups | merged))
