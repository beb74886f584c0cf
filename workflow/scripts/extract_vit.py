"""Extract ViT features of the frames, or of the flow images, of every video of a shard."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.features.extraction import extract_pictures
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def extract(
    tasks: Sequence[Task], project: Project, source: str, threads: int
) -> Iterator[Outcome]:
    """The mean patch token of each of the T images, (T, D) float32, per task."""
    from unmuted.features.vit import VitFeatures

    build = partial(VitFeatures, batch_size=project.config["vit"]["batch_size"])
    return extract_pictures(tasks, project, "vit", source, build, threads)


def main(project: Project, view: str, shard: str, threads: int) -> None:
    """Bring the ViT features of one view (rgb or flow) of one shard up to date."""
    source = {"rgb": "frames", "flow": "flow"}[view]
    compute = partial(extract, project=project, source=source, threads=threads)
    project.run_shard(f"vit_{view}", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.view, snakemake.wildcards.shard, snakemake.threads)
