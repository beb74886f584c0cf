"""The sounds that a preview may play: those of training clips, with what AST hears in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.engine.tensors import TensorFile, TensorSpool
from unmuted.features.audioset import load_labels
from unmuted.samples.experiment import Clip, load_experiment, training_sound
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.shared.projection import Projection

CLIPS_AT_ONCE = 4096  # bounds memory
DIGITS = 6  # of a cosine: smaller differences are rounding
SMALLEST = 1e-12  # keeps 0 / 0 away


@dataclass(frozen=True)
class LibrarySound:
    """One sound: its clip, the clip's source group and content key, and the digest of its wav file.

    label: class of the clip, None if it is unknown. heard: index of AST's label of highest score.
    """

    video_id: str
    label: str | None
    group: str
    key: str
    wav: str
    heard: int


@dataclass(frozen=True)
class Nearest:
    """The sound of the library whose features are nearest; cosine: over all time steps."""

    sound: LibrarySound
    cosine: float


def run(job: Job) -> None:
    """Bring the library up to date: all training clips with usable sound."""
    clips = training_sound(job, load_experiment(job, ["ast", "wav"]))
    pca = job.fits("projection")[ALL_TRAINING]
    read = {
        "projection": pca.row.digest,
        "clips": [
            [clip.video_id, clip.label, clip.group, clip.key, clip.digests("ast", "wav")]
            for clip in clips
        ],
    }

    def fit(_: Sequence[Task]) -> Iterator[Result]:
        yield Result(ONLY_FIT, library_arrays(clips, Projection(**pca.tensors())))

    job.run_fits({ONLY_FIT: read}, fit)


def library_arrays(clips: Iterable[Clip], projection: Projection) -> TensorSpool:
    """Return the features `audio` (N, T, A) and `heard` (N,) of clips, and their table as text."""
    spool, table = TensorSpool(), []
    for clip in clips:
        arrays = clip.artifacts["ast"].tensors()
        spool.append("audio", projection.apply(arrays["tokens"])[None])
        spool.append("heard", np.array([arrays["scores"].argmax()], dtype=np.int64))
        (wav,) = clip.digests("wav")
        table.append([clip.video_id, clip.label, clip.group, clip.key, wav])
    spool.append("table", text_array(json.dumps(table)))
    return spool


class SoundLibrary:
    """The library, read from its artifact a block at a time."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        with self._open() as file:
            table = json.loads(file.rows("table").tobytes())
            heard = file.rows("heard").tolist()
        names = ("video_id", "label", "group", "key", "wav", "heard")
        rows = ([*row, of] for row, of in zip(table, heard, strict=True))
        self.sounds = [LibrarySound(**dict(zip(names, row, strict=True))) for row in rows]
        self._groups = np.array([sound.group for sound in self.sounds])
        self._keys = np.array([sound.key for sound in self.sounds])

    def _open(self) -> TensorFile:
        return self._artifact.open_tensors()

    def allowed(self, key: str, group: str) -> np.ndarray:
        """Return which sounds a clip may be given, bool (N,): of other sources and contents."""
        return (self._groups != group) & (self._keys != key)

    def nearest(
        self, audio: np.ndarray, keys: Sequence[str], groups: Sequence[str]
    ) -> list[Nearest | None]:
        """Return for each clip the sound with the features of highest cosine.

        The cosine is that of all time steps at once. Of equally near sounds the first is taken; a
        clip for which no sound of another source is left has None.

        Args:
            audio: (n, T, A), projected features of the clips.
            keys, groups: their content keys and canonical source groups.
        """
        wanted = _directions(audio)
        best = np.full(len(wanted), -np.inf)
        index = np.zeros(len(wanted), dtype=np.int64)
        own = [~self.allowed(*of) for of in zip(keys, groups, strict=True)]
        with self._open() as file:
            for start in range(0, len(self.sounds), CLIPS_AT_ONCE):
                block = _directions(file.rows("audio", start, start + CLIPS_AT_ONCE))
                cosine = np.round(wanted @ block.T, DIGITS)  # (n, block)
                for i, related in enumerate(own):
                    cosine[i, related[start : start + len(block)]] = -np.inf
                first = cosine.argmax(axis=1)
                found = cosine[np.arange(len(cosine)), first]
                nearer = found > best
                best[nearer], index[nearer] = found[nearer], start + first[nearer]
        return [
            Nearest(self.sounds[i], float(cosine)) if np.isfinite(cosine) else None
            for i, cosine in zip(index, best, strict=True)
        ]


def heard_labels(scores: np.ndarray, count: int) -> list[tuple[str, float]]:
    """Return the labels of highest score (L,) with their scores, the highest first."""
    names = load_labels()
    best = np.argsort(-scores, kind="stable")[:count]
    return [(names[i], float(scores[i])) for i in best]


def carried_labels(
    audio: np.ndarray, prototypes: Mapping[str, np.ndarray], count: int
) -> list[tuple[str, float]]:
    """Return the labels whose prototypes are nearest to the mean feature, with cosines.

    audio: (T, A). prototypes: arrays of the stage `prototypes`; labels that no training clip was
    heard to have are left out, unless there are no others.
    """
    names, heard = load_labels(), prototypes["heard"].astype(bool)
    among = np.flatnonzero(heard if heard.any() else ~heard)
    vectors = prototypes["vectors"][among]
    mean = audio.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(mean)
    cosine = vectors @ mean / np.maximum(lengths, SMALLEST)
    best = np.argsort(-np.round(cosine, DIGITS), kind="stable")[:count]
    return [(names[among[i]], float(cosine[i])) for i in best]


def step_cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the cosine (T,) of two series of features (T, A) at each step."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return (first * second).sum(axis=1) / np.maximum(lengths, SMALLEST)


def _directions(audio: np.ndarray) -> np.ndarray:
    """Return unit vectors (n, T A) of features (n, T, A)."""
    flat = audio.reshape(len(audio), -1).astype(np.float64)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), SMALLEST)
