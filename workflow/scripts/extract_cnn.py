"""Extract the pilot's CNN features of the frames, or of the flow images, of a shard's videos."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.artifacts import text_array
from unmuted.joblog import job_log
from unmuted.media.images import decode_images
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def extract(
    tasks: Sequence[Task], project: Project, source: str, threads: int
) -> Iterator[Outcome]:
    """The pooled features of each of the T images, (T, F) float32, per task."""
    from unmuted.features.backbones import Backbone
    from unmuted.features.device import pick_dtype, use_device

    spec = project.model_spec("pilot_backbone")
    device = use_device(project.config["device"], threads)
    dtype = pick_dtype(device, spec.dtype)
    model = Backbone(spec, device, dtype, project.config["cnn"]["batch_size"])
    clips = ((task.name, decode_images(task.inputs[source].tensors())) for task in tasks)
    for name, features in model.extract_clips(clips):
        yield Outcome(name, {"features": features, "dtype": text_array(dtype)})


def main(project: Project, view: str, shard: str, threads: int) -> None:
    """Bring the CNN features of one view (rgb or flow) of one shard up to date."""
    source = {"rgb": "frames", "flow": "flow"}[view]
    compute = partial(extract, project=project, source=source, threads=threads)
    project.run_shard(f"cnn_{view}", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.view, snakemake.wildcards.shard, snakemake.threads)
