"""Extract the pilot's CNN features of the frames and of the flow images of a shard's videos."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.extraction import PictureExtractor
from unmuted.pipeline.registry import run_job


def main(rgb: Job, flow: Job) -> None:
    """Bring the CNN features of both views of one shard up to date.

    Per video and view: the pooled features of each of the T images, (T, F) float32.
    """

    def build(*how: object) -> object:
        from unmuted.features.backbones import Backbone

        return Backbone(*how, batch_size=rgb.config["cnn"]["batch_size"])

    extractor = PictureExtractor(rgb, "pilot_backbone", build)  # both views share one model
    rgb.run_shard(partial(extractor.extract, source="frames"))
    flow.run_shard(partial(extractor.extract, source="flow"))


if "snakemake" in globals():
    run_job(snakemake, main)
