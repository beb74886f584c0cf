"""Captions of the representative frames of a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.media.images import decode_images


def caption(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Caption each representative frame, with its time step, per task."""
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
        payload = {"steps": steps[name], "captions": captions}
        yield Result(name, payload | {"dtype": str(dtype).removeprefix("torch.")})
