"""Boxes around what sounds, of training videos alone: those of other videos are never opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.dataset.masks import mask_folder
from unmuted.engine.executor import Result, Task
from unmuted.systems.segmentation.artifacts import open_pictures, unpack_masks
from unmuted.systems.segmentation.boxes import BoxProblem, read_boxes
from unmuted.systems.segmentation.truth_job import WORLD, Findings, MaskFolder
from unmuted.text import one_line

if TYPE_CHECKING:
    from unmuted.engine.job import Job

TRAINING = "train"
NOT_TRAINING, NO_BOXES, REFUSED = "not_training", "no_boxes", "boxes_refused"


class VideoBoxes:
    """Reads the boxes of videos; see `unmuted.systems.segmentation.artifacts`."""

    def __init__(self, job: Job) -> None:
        self._splits = job.read_splits()
        self._follow_links = job.config["videos"]["follow_links"]
        self._targets = {name: video.targets for name, video in job.videos.items()}

    @property
    def extra_inputs(self) -> dict[str, Any]:
        """What the boxes of each video follow from besides artifacts, as JSON values."""
        return {
            name: [self._split(name), (targets or {}).get("boxes"), (targets or {}).get(WORLD)]
            if self._split(name) == TRAINING
            else self._split(name)
            for name, targets in self._targets.items()
        }

    def read(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the boxes of each task."""
        for task in tasks:
            targets = self._targets[task.name] or {}
            if self._split(task.name) != TRAINING:
                yield Result(task.name, None, NOT_TRAINING, "boxes are read for training alone")
            elif WORLD in targets and "avs_truth" in task.inputs:
                yield Result(task.name, _of_world(task, targets[WORLD]))
            elif "boxes" in targets:
                yield self._of_files(task, targets["boxes"])
            else:
                yield Result(task.name, None, NO_BOXES, "no boxes are known")

    def _split(self, name: str) -> str:
        return self._splits.get(name, "")

    def _of_files(self, task: Task, target: Mapping[str, Any]) -> Result:
        root = None if task.video is None else task.video.root
        folder = mask_folder(target, root)
        found, clipped = Findings(), 0
        with open_pictures(task.inputs["avs_frames"]) as pictures:
            seconds = pictures.seconds
        files = MaskFolder(folder, root, self._follow_links, ".xml")
        rows: list[dict[str, Any]] = []
        for second, path in sorted(files.by_second(seconds, found).items()):
            try:
                boxes = read_boxes(path)
            except BoxProblem as error:
                found.problems.append([one_line(path.name, 200), error.status, error.reason])
                continue
            for problem in boxes.problems:
                found.problems.append([one_line(path.name, 200), problem.status, problem.reason])
            clipped += boxes.clipped
            rows += [{"second": second, **vars(box)} for box in boxes.boxes]
        record = {"boxes": rows, "problems": found.problems, "clipped": clipped}
        return Result(task.name, record, REFUSED if found.problems else "ok", str(found))


def _of_world(task: Task, specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return the boxes of the objects that sound in a clip of the built-in world."""
    arrays = task.inputs["avs_truth"].tensors()
    with open_pictures(task.inputs["avs_frames"]) as pictures:
        height, width = pictures.content
    sounding = arrays["objects"] * unpack_masks(arrays["masks"])
    rows = []
    for second, ids in enumerate(sounding):
        for mark, which in ((1, "a"), (2, "b")):
            down, across = np.nonzero(ids == mark)
            if len(down):
                rows.append(
                    {
                        "second": second,
                        "label": specification[which]["label"],
                        "left": float(across.min() / width),
                        "top": float(down.min() / height),
                        "right": float((across.max() + 1) / width),
                        "bottom": float((down.max() + 1) / height),
                    }
                )
    return {"boxes": rows, "problems": [], "clipped": 0}
