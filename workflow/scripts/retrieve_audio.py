"""Retrieve every video's audio features from the training clips that look most like it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.experiment import (
    FULL,
    Clip,
    Experiment,
    generator_data,
    load_clips,
    load_experiment,
    training_folds,
)
from unmuted.generation.projection import Projection
from unmuted.generation.retrieval import retrieve_cross_fitted
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task


def retrieve(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    experiment: Experiment,
    project: Project,
    space: Artifact,
    fold_of_group: Mapping[str, int],
) -> Iterator[Outcome]:
    """Audio (T, A) and the similarity (k,) of the clips it came from, per task."""
    projection, steps = Projection(**space.tensors()), project.time_steps
    library = generator_data(experiment.learnt_from(), projection, steps)
    data = generator_data([clips[task.name] for task in tasks], projection, steps)
    found = retrieve_cross_fitted(data, library, fold_of_group, project.config["retrieval"]["k"])
    for i, task in enumerate(tasks):
        yield Outcome(task.name, {"audio": found.audio[i], "similarity": found.similarity[i]})


def main(project: Project, shard: str) -> None:
    """Bring the retrieved audio of one shard up to date."""
    experiment = load_experiment(project, ["ast"])
    fold_of_group = training_folds(experiment, project.config["folds"])
    found = experiment.at_home(load_clips(project, project.shards[shard], ["ast"]))
    clips = {clip.video_id: clip for clip in found}
    space = project.units("projection")[FULL]
    library = sorted(
        [clip.group, fold_of_group.get(clip.group), *clip.digests("vit_rgb", "vit_flow", "ast")]
        for clip in experiment.learnt_from()
    )
    fitted = [space.row.digest, library]
    extra = {
        name: [fitted, clip.group, fold_of_group.get(clip.group)] for name, clip in clips.items()
    }
    compute = partial(
        retrieve,
        clips=clips,
        experiment=experiment,
        project=project,
        space=space,
        fold_of_group=fold_of_group,
    )
    project.run_shard("retrieved", shard, compute, extra)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard)
