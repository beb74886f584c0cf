"""Which pixels of every second sound: from a folder of masks, or as the built-in world has it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.dataset.masks import mask_folder
from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Result, Task
from unmuted.engine.tensors import TensorSpool
from unmuted.systems.segmentation.artifacts import (
    EMPTY,
    LABELLED,
    UNLABELLED,
    Pictures,
    open_pictures,
    pack_masks,
)
from unmuted.systems.segmentation.frames_job import padded
from unmuted.systems.segmentation.mask_files import (
    MaskProblem,
    has_aspect,
    read_mask,
    resized,
    second_of_name,
)
from unmuted.text import one_line

if TYPE_CHECKING:
    from unmuted.engine.job import Job

WORLD = "world"  # key of the targets that specify a clip of the built-in world
NO_MASKS = "no_masks"
REFUSED = "masks_refused"


class Truths:
    """Makes the truth of videos; see `unmuted.systems.segmentation.artifacts`."""

    def __init__(self, job: Job) -> None:
        self._avs = job.config["avs"]
        self._silence_db = job.config["wav"]["silence_db"]
        self._follow_links = job.config["videos"]["follow_links"]
        self._targets = {name: video.targets for name, video in job.videos.items()}

    def make(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the truth of each task."""
        for task in tasks:
            targets = self._targets[task.name] or {}
            if WORLD in targets:
                yield self._of_world(task, targets[WORLD])
            elif "masks" in targets:
                yield self._of_files(task, targets["masks"])
            else:
                yield Result(task.name, None, NO_MASKS, "no masks are known")

    def _of_world(self, task: Task, specification: Mapping[str, Any]) -> Result:
        from unmuted.demo_world.families.plan import FamilyClipSpec
        from unmuted.demo_world.families.truth import family_truth

        spec = FamilyClipSpec.from_json(specification)
        with open_pictures(task.inputs["avs_frames"]) as pictures:
            times = pictures.file.rows("frame_times")
            truth = family_truth(spec, times.tolist(), self._silence_db)
            objects = padded(np.moveaxis(resized(truth.objects, *pictures.content), 0, -1))
        objects = np.ascontiguousarray(np.moveaxis(objects, -1, 0))
        heard = np.concatenate([np.zeros((len(objects), 1), bool), truth.heard], axis=1)
        # heard[k, objects[k]]: whether the object at each pixel can be heard
        masks = np.take_along_axis(heard[:, None, :], objects.astype(int), axis=2)
        status = np.where(masks.any(axis=(1, 2)), LABELLED, EMPTY).astype(np.uint8)
        arrays = {"masks": pack_masks(masks), "status": status, "objects": objects}
        counts = {"counts": np.zeros(2, np.int64), "problems": text_array("[]")}
        return Result(task.name, arrays | counts)

    def _of_files(self, task: Task, target: Mapping[str, Any]) -> Result:
        video = task.video
        root = None if video is None else video.root
        files = MaskFolder(mask_folder(target, root), root, self._follow_links)
        found = Findings()
        spool = TensorSpool()
        with open_pictures(task.inputs["avs_frames"]) as pictures:
            by_second = files.by_second(pictures.seconds, found)
            status = np.full(pictures.seconds, UNLABELLED, np.uint8)
            for second in range(pictures.seconds):
                path = by_second.get(second)
                mask = None if path is None else self._mask(path, pictures, found)
                if mask is None:
                    mask = np.zeros((pictures.height, pictures.width), bool)
                else:
                    status[second] = LABELLED if mask.any() else EMPTY
                spool.append("masks", pack_masks(mask)[None])
        spool.append("status", status)
        spool.append("counts", np.array([found.resized, found.soft_edges], np.int64))
        spool.append("problems", text_array(json.dumps(found.problems)))
        return Result(task.name, spool, REFUSED if found.problems else "ok", str(found))

    def _mask(self, path: Path, pictures: Pictures, found: Findings) -> np.ndarray | None:
        """Return a mask bool (H, W) on the stored pixels; None if it is of no use."""
        height, width = pictures.native
        try:
            file = read_mask(path, height * width, self._avs["foreground"])
            fits = has_aspect(file.mask, height, width) or has_aspect(file.mask, *pictures.content)
            if not fits and self._avs["mask_aspect"] == "same":
                rows, columns = file.mask.shape
                raise MaskProblem(
                    "mask_size", f"{columns}x{rows}, the video is {width}x{height}; see mask_aspect"
                )
        except MaskProblem as problem:
            found.refuse(path.name, problem)
            return None
        found.soft_edges += file.is_soft
        found.resized += file.mask.shape != pictures.native
        return padded(resized(file.mask, *pictures.content))


@dataclass
class Findings:
    """What is to be said of the masks of a video."""

    problems: list[list[str]] = field(default_factory=list)
    resized: int = 0
    soft_edges: int = 0
    ignored: int = 0  # files that are no masks

    def refuse(self, name: str, problem: MaskProblem) -> None:
        """Note that a file is not used."""
        self.problems.append([one_line(name, 200), problem.status, problem.reason])

    def __str__(self) -> str:
        said = {
            "masks not used": len(self.problems),
            "of another size": self.resized,
            "with soft edges": self.soft_edges,
            "other files ignored": self.ignored,
        }
        shown = [f"{count} {what}" for what, count in said.items() if count]
        if self.problems:
            name, status, reason = self.problems[0]
            shown.append(f"first: {name}: {status}, {reason}")
        return "; ".join(shown)


@dataclass(frozen=True)
class MaskFolder:
    """A folder with one file a second; root: the folder that it may not leave."""

    folder: Path
    root: Path | None
    follow_links: bool
    suffix: str = ".png"

    def by_second(self, seconds: int, found: Findings) -> dict[int, Path]:
        """Return the file of each of the video's seconds that has one."""
        try:
            self._check_place()
            names = sorted(entry.name for entry in os.scandir(self.folder))
        except OSError as error:
            found.refuse(self.folder.name, MaskProblem("mask_unreadable", one_line(str(error))))
            return {}
        except MaskProblem as error:
            found.refuse(self.folder.name, error)
            return {}
        by_second: dict[int, Path] = {}
        for name in names:
            if not name.casefold().endswith(self.suffix):
                found.ignored += 1
                continue
            second = second_of_name(name)
            if second is None:
                problem = MaskProblem("mask_name", f"expected <second>{self.suffix}")
            elif second >= seconds:
                problem = MaskProblem("mask_after_end", f"the video has {seconds} seconds")
            elif second in by_second:
                problem = MaskProblem("mask_twice", f"{by_second[second].name} is of this second")
            else:
                by_second[second] = self.folder / name
                continue
            found.refuse(name, problem)
        return by_second

    def _check_place(self) -> None:
        """Raise MaskProblem for a folder that lies outside the root, links followed."""
        if self.follow_links or self.root is None:
            return
        inside = os.path.join(os.path.realpath(self.root), "")
        if not os.path.realpath(self.folder).startswith(inside):
            raise MaskProblem("outside_folder", "the masks lie outside videos.root")
