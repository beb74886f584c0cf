"""Previews of a shard's generated audio: the nearest training sound under the silent picture.

Generated features cannot be turned into sound. A preview plays the sound of a training clip of
another source, the one whose real features are nearest, and says so.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Artifact, Result, Task, one_by_one
from unmuted.engine.job import FullReader, Job
from unmuted.engine.run import Run
from unmuted.features.audioset import load_labels
from unmuted.media.preview import write_with_sound
from unmuted.media.source import read_probe
from unmuted.samples.experiment import Clip, load_clips
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.samples.source_groups import Sources, read_canonical_clips
from unmuted.systems.pages.sound_library import (
    LibrarySound,
    Nearest,
    SoundLibrary,
    carried_labels,
    step_cosines,
)
from unmuted.systems.shared.projection import Projection

RETRIEVED = "retrieved, not generated"
LABELS = 5  # that are shown
ALONE = "no_other_source"

FindWav = Callable[[LibrarySound], Artifact]


class SoundPreviewer:
    """Makes previews.

    projection, prototypes, library: artifacts of these stages. find_wav: returns the wav file of a
    sound of the library. seconds: the setting report.preview_seconds.
    """

    def __init__(
        self,
        projection: Artifact,
        prototypes: Artifact,
        library: SoundLibrary,
        find_wav: FindWav,
        seconds: float,
    ) -> None:
        self._projection = Projection(**projection.tensors())
        self._prototypes = prototypes.tensors()
        self._library, self._find_wav, self._seconds = library, find_wav, seconds

    def make_all(
        self, tasks: Sequence[Task], clips: Mapping[str, Clip], splits: Mapping[str, str]
    ) -> Iterator[Result]:
        """Yield a preview of each task's video, with what it is made from and how near that is.

        clips: by id, in canonical source groups, with `ast` where they have usable sound.
        """
        audio = {task.name: _generated(task).mean(axis=0) for task in tasks}
        of_tasks = [clips[name] for name in audio]
        keys, groups = [clip.key for clip in of_tasks], [clip.group for clip in of_tasks]
        nearest = self._library.nearest(np.stack([*audio.values()]), keys, groups)
        found = dict(zip(audio, nearest, strict=True))

        def make(task: Task) -> Result:
            name = task.name
            return self._make(task, clips[name], splits.get(name), audio[name], found[name])

        return one_by_one(tasks, make)

    def _make(
        self, task: Task, clip: Clip, split: str | None, audio: np.ndarray, found: Nearest | None
    ) -> Result:
        """Return a preview; audio: (T, A), generated, the mean over seeds."""
        arrays: dict[str, np.ndarray] = {"generated": audio}
        said: dict[str, Any] = {
            "split": split,
            "seeds": len(_generated(task)),
            "carried": carried_labels(audio, self._prototypes, LABELS),
            "carried_by_real": None,
        }
        if clip.has_sound:
            real = self._projection.apply(task.inputs["ast"].tensors()["tokens"])
            arrays |= {"real": real, "cosine": step_cosines(audio, real)}
            said["carried_by_real"] = carried_labels(real, self._prototypes, LABELS)
        if found is not None:
            said["retrieved"] = self._describe(found)
            duration_s = read_probe(task.inputs["probe"]).duration_s
            content = self._with_sound(task, found, min(duration_s, self._seconds))
            arrays["mp4"] = np.frombuffer(content, dtype=np.uint8)
        arrays["said"] = text_array(json.dumps(said, ensure_ascii=True))
        if found is None:
            return Result(task.name, arrays, ALONE, "no training sound is of another source")
        return Result(task.name, arrays)

    def _describe(self, found: Nearest) -> dict[str, Any]:
        sound = found.sound
        return {
            "what": RETRIEVED,
            "video_id": sound.video_id,
            "label": sound.label,
            "group": sound.group,
            "heard": load_labels()[sound.heard],
            "cosine": found.cosine,
            "among": len(self._library.sounds),
        }

    def _with_sound(self, task: Task, found: Nearest, seconds: float) -> bytes:
        """Return the mp4 of a preview."""
        source = found.sound.video_id
        label = "" if found.sound.label is None else f" ({found.sound.label})"
        tags = {
            "title": f"Preview of the generated audio of {task.name}: {RETRIEVED}",
            "comment": f"The sound is that of the training clip {source}{label}, whose features "
            f"are nearest to the generated ones: cosine {found.cosine:.3f}. It is {RETRIEVED}.",
        }
        copy = task.inputs["clip_copies"].checked_path()
        wav = self._find_wav(found.sound).checked_path()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "preview.mp4"
            write_with_sound(copy, wav, seconds, tags, path)
            return path.read_bytes()


def run(job: Job) -> None:
    """Bring the previews of a shard up to date."""
    _, clips = read_canonical_clips(job, ["ast"])
    splits = job.read_splits()
    pca, prototypes = (job.fits(name)[ALL_TRAINING] for name in ("projection", "prototypes"))
    table = job.fits("sound_library")[ONLY_FIT]
    fitted = [one.row.digest for one in (pca, prototypes, table)]
    extra = {name: [fitted, clip.group, clip.key, splits.get(name)] for name, clip in clips.items()}

    def compute(tasks: Sequence[Task]) -> Iterator[Result]:
        def find_wav(sound: LibrarySound) -> Artifact:
            return job.recorded_artifact("sound_library", table, "wav", sound.video_id, sound.wav)

        seconds = job.config["report"]["preview_seconds"]
        previewer = SoundPreviewer(pca, prototypes, SoundLibrary(table), find_wav, seconds)
        return previewer.make_all(tasks, clips, splits)

    job.run_shard(compute, extra)


def preview_one(run: Run, reader: FullReader, task: Task) -> Result:
    """Return the preview of one video, whatever its shard; as `run` makes those of a shard."""
    sources = Sources(**reader.fits("sources")[ONLY_FIT].json())
    (clip,) = sources.with_canonical_groups(load_clips(reader, [task.name], ["ast"]))
    pca, prototypes = (reader.fits(name)[ALL_TRAINING] for name in ("projection", "prototypes"))

    def find_wav(sound: LibrarySound) -> Artifact:
        return run.store.artifact_of_digest("wav", sound.video_id, sound.wav)

    library = SoundLibrary(reader.fits("sound_library")[ONLY_FIT])
    seconds = reader.config["report"]["preview_seconds"]
    previewer = SoundPreviewer(pca, prototypes, library, find_wav, seconds)
    (result,) = previewer.make_all([task], {task.name: clip}, reader.read_splits())
    return result


def _generated(task: Task) -> np.ndarray:
    """Read the generated audio (S, T, A) of a task's video."""
    return task.inputs["generated"].tensors()["audio"]
