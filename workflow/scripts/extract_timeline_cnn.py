"""Extract CNN features of the frames over the whole length of a shard's videos."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.extraction import PictureExtractor
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the features of the timelines of one shard up to date.

    Per video: the pooled features of each of the S frames, (S, F) float32.
    """

    def build(*how: object) -> object:
        from unmuted.features.backbones import Backbone

        return Backbone(*how, batch_size=job.config["cnn"]["batch_size"])

    extractor = PictureExtractor(job, "pilot_backbone", build)
    job.run_shard(partial(extractor.extract, source="timeline_frames"))


if "snakemake" in globals():
    run_job(snakemake, main)
