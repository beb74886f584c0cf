"""Caption the representative frames of every video of a shard."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.media.images import decode_images
from unmuted.pipeline.registry import run_job


def caption(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """One caption per representative frame, with the frame's time step, per task."""
    from unmuted.features.captions import Captioner
    from unmuted.inference.device import pick_dtype, use_device

    spec = job.model_spec("blip")
    device = use_device(job.config["device"], job.threads)
    settings = job.config["captions"]
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
        yield Result(name, said | {"dtype": str(dtype).removeprefix("torch.")})


def main(job: Job) -> None:
    """Bring the captions of one shard up to date."""
    job.run_shard(partial(caption, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
