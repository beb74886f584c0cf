"""Predict the class of every video of a shard with the CNN-RNN recogniser, in percent."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.source_groups import read_canonical_clips
from unmuted.systems.cnn_rnn.prediction_job import predict_shard
from unmuted.systems.cnn_rnn.sequences import SEQUENCES, SOURCES


def main(job: Job) -> None:
    """Bring the predictions of one shard up to date."""
    _, clips = read_canonical_clips(job, [], SEQUENCES, SOURCES)
    fits = {seed: fits[ONLY_FIT] for seed, fits in job.fits_by_seed("cnn_rnn").items()}
    selection = job.fits("cnn_rnn_selection")[ONLY_FIT]
    fitted = [
        [artifact.row.digest for artifact in fits.values()],
        selection.row.digest,
        job.classes,  # a class that is only renamed leaves the networks as they are
    ]
    extra = {name: [fitted, clip.key, clip.group, clip.split] for name, clip in clips.items()}
    compute = partial(predict_shard, clips=clips, job=job, fits=fits, selection=selection)
    job.run_shard(compute, extra)


if "snakemake" in globals():
    run_job(snakemake, main)
