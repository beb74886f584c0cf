"""The networks that a run has trained, as a folder for other runs."""

from __future__ import annotations

from pathlib import Path

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import Output
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.segmentation.choosing import Choice
from unmuted.systems.segmentation.ready_model import GRID, ReadyModel, export_model
from unmuted.systems.segmentation.sound_space import SoundSpace
from unmuted.training.checkpoints import snapshot


def contents(job: ReportJob) -> dict[str, Output]:
    """Give what writes the folder: the chosen checkpoints of the arm `avs.arm`."""
    avs = job.config["avs"]
    choices = job.fits("avs_selection")[ONLY_FIT].json()["arms"][avs["arm"]]
    fits = job.fits_by_seed("avs")
    model = ReadyModel(
        arm=avs["arm"],
        models={role: job.model_identity(role) for role in ("avs_backbone", "ast")},
        grid={key: avs[key] for key in GRID},
        states=tuple(
            snapshot(fits[one["seed"]][avs["arm"]].tensors(), one["snapshot"]) for one in choices
        ),
        thresholds=tuple(Choice.of(one).probability for one in choices),
        space=SoundSpace.unpack(job.fits("avs_space")[ONLY_FIT].tensors()),
    )

    def write(path: Path) -> None:
        export_model(path, model)

    return {"folder": write}
