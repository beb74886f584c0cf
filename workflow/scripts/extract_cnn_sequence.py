"""Extract the CNN-RNN's CNN features of the centre square of a shard's sequence frames."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.features.extraction import extract_pictures
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def extract(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """The pooled features of each of the L' frames, (L', F) float32, per task."""
    from unmuted.features.backbones import Backbone

    build = partial(
        Backbone,
        batch_size=project.config["cnn"]["batch_size"],
        square=project.config["cnn_rnn"]["image_size"],
    )
    return extract_pictures(tasks, project, "cnn_rnn_backbone", "sequence_frames", build, threads)


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the features of the sequence frames of one shard up to date."""
    compute = partial(extract, project=project, threads=threads)
    project.run_shard("cnn_sequence", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
