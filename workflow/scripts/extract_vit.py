"""Extract ViT features of the frames and of the flow images of every video of a shard."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.extraction import PictureExtractor
from unmuted.pipeline.registry import run_job


def main(rgb: Job, flow: Job) -> None:
    """Bring the ViT features of both views of one shard up to date.

    Per video and view: the mean patch token of each of the T images, (T, D) float32.
    """

    def build(*how: object) -> object:
        from unmuted.features.vit import VitFeatures

        return VitFeatures(*how, batch_size=rgb.config["vit"]["batch_size"])

    extractor = PictureExtractor(rgb, "vit", build)  # both views share one model
    rgb.run_shard(partial(extractor.extract, source="frames"))
    flow.run_shard(partial(extractor.extract, source="flow"))


if "snakemake" in globals():
    run_job(snakemake, main)
