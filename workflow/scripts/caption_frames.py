"""Caption the representative frames of every video of a shard."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.media.images import decode_images
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def caption(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """One caption per representative frame, with the frame's time step, per task."""
    from unmuted.features.device import pick_dtype, use_device
    from unmuted.semantics.captions import Captioner

    spec = project.model_spec("blip")
    device = use_device(project.config["device"], threads)
    settings = project.config["captions"]
    dtype = pick_dtype(device, spec.dtype)
    captioner = Captioner(
        spec,
        device,
        dtype,
        max_new_tokens=settings["max_new_tokens"],
        num_beams=settings["num_beams"],
        batch_size=settings["batch_size"],
    )
    steps = {task.name: task.inputs["representative_frames"].json()["steps"] for task in tasks}
    clips = (
        (task.name, decode_images(task.inputs["frames"].tensors())[steps[task.name]])
        for task in tasks
    )
    for name, captions in captioner.caption_clips(clips):
        said = {"steps": steps[name], "captions": captions}
        yield Outcome(name, said | {"dtype": str(dtype).removeprefix("torch.")})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the captions of one shard up to date."""
    project.run_shard("captions", shard, partial(caption, project=project, threads=threads))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
