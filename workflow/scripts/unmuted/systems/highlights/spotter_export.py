"""The spotter that a run has trained, as a folder for other runs."""

from __future__ import annotations

from pathlib import Path

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import Output
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.ready_spots_job import GRID
from unmuted.systems.highlights.spotter_folder import TrainedSpotter, export_spotter, grid_of
from unmuted.systems.highlights.spotting import Calibration, SpotRule
from unmuted.systems.shared.projection import Projection
from unmuted.training.checkpoints import snapshot


def contents(job: ReportJob) -> dict[str, Output]:
    """Give what writes the folder: the chosen checkpoints of the arm `highlights.arm`."""
    highlights, arm = job.config["highlights"], job.config["highlights"]["arm"]
    selection = job.fits("spotter_selection")[ONLY_FIT].json()
    fits = job.fits_by_seed("spotter")
    spotter = TrainedSpotter(
        kinds=tuple(selection["kinds"]),
        arm=ARMS[arm],
        backbone=job.model_identity("step_backbone"),
        grid=grid_of(job.config["steps"], GRID),
        seeds=tuple(
            (snapshot(fits[c["seed"]][arm].tensors(), c["snapshot"]), Calibration.of(c))
            for c in selection["arms"][arm]
        ),
        reach=round(highlights["sampling"]["radius"] * job.config["steps"]["rate"]),
        projection=Projection(**job.fits("step_projection")[ONLY_FIT].tensors()),
        sound_scale=highlights["sound_scale"],
        rule=SpotRule.of(selection["ensembles"][arm]),
    )

    def write(path: Path) -> None:
        export_spotter(path, spotter)

    return {"folder": write}
