"""Extract the CNN-RNN's CNN features of the centre square of a shard's sequence frames."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.artifacts import text_array
from unmuted.joblog import job_log
from unmuted.media.images import decode_images
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def extract(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """The pooled features of each of the L' frames, (L', F) float32, per task."""
    from unmuted.features.backbones import Backbone
    from unmuted.features.device import pick_dtype, use_device

    spec = project.model_spec("cnn_rnn_backbone")
    device = use_device(project.config["device"], threads)
    dtype = pick_dtype(device, spec.dtype)
    square = project.config["cnn_rnn"]["image_size"]
    model = Backbone(spec, device, dtype, project.config["cnn"]["batch_size"], square)
    clips = ((task.name, decode_images(task.inputs["sequence_frames"].tensors())) for task in tasks)
    for name, features in model.extract_clips(clips):
        yield Outcome(name, {"features": features, "dtype": text_array(dtype)})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the features of the sequence frames of one shard up to date."""
    compute = partial(extract, project=project, threads=threads)
    project.run_shard("cnn_sequence", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
