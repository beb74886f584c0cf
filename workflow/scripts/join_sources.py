"""Say in which source group every clip counts, and which fold each group belongs to."""

from unmuted.experiment import load_clips, load_experiment
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome
from unmuted.sources import UNIT, Sources


def main(project: Project) -> None:
    """Bring the table up to date; its recipe is what it says, so what says the same stays."""
    experiment = load_experiment(project)
    clips = load_clips(project, project.videos, [])
    payload = Sources.of(experiment, clips, project.config["folds"]).payload()
    project.run_units("sources", {UNIT: payload}, lambda _: [Outcome(UNIT, payload)])


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(Project.of_job(snakemake.config).variant(snakemake.wildcards.variant))
