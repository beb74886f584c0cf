"""Retrieve every video's audio features from the training clips that look most like it."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.samples.source_groups import read_canonical_clips
from unmuted.systems.shared.retrieval_job import retrieve


def main(job: Job) -> None:
    """Bring the retrieved audio of one shard up to date."""
    sources, clips = read_canonical_clips(job, [])
    pca, table = job.fits("projection")[ALL_TRAINING], job.fits("lookup_set")[ONLY_FIT]
    fitted = [pca.row.digest, table.row.digest]
    extra = {
        name: [fitted, clip.group, sources.folds.get(clip.group)] for name, clip in clips.items()
    }
    job.run_shard(partial(retrieve, clips=clips, job=job, pca=pca, table=table), extra)


if "snakemake" in globals():
    run_job(snakemake, main)
