"""Extract the CNN-RNN's CNN features of the centre square of a shard's sequence frames."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.extraction import PictureExtractor
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the features of the sequence frames of one shard up to date.

    Per video: the pooled features of each of the L' frames, (L', F) float32.
    """

    def build(*how: object) -> object:
        from unmuted.features.backbones import Backbone

        size = job.config["cnn_rnn"]["image_size"]
        return Backbone(*how, batch_size=job.config["cnn"]["batch_size"], square=size)

    extractor = PictureExtractor(job, "cnn_rnn_backbone", build)
    job.run_shard(partial(extractor.extract, source="sequence_frames"))


if "snakemake" in globals():
    run_job(snakemake, main)
