"""Clips whose bytes are wrong: each ends with a status of its own, and nothing else happens.

Each is read in a process of its own, and some go through Snakemake beside good clips.
"""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from faults import reader
from faults.campaign import Outcome
from faults.checks import UP_TO_DATE, left_over, tracebacks
from faults.clips import write_clips
from faults.mutations import MUTATIONS
from faults.worlds import World
from media.opens import recorded_opens
from runs.corpus import Corpus, make_small_demo
from unmuted.engine.ledger import LedgerEntry

# The statuses that a file may get. None of these is a fault of the machine, such as "timeout".
REFUSED = frozenset(
    {
        *("empty", "unreadable", "not_allowed", "no_video", "no_frames", "encrypted", "sparse"),
        *("too_long", "too_short", "too_large", "too_thin"),
    }
)
KNOWN = {
    "probe": REFUSED | {"ok"},
    "frames": REFUSED | {"ok", "damaged"},
    "wav": REFUSED | {"ok", "damaged", "silent", "no_stream"},
}
MAX_SECONDS, MAX_MEGABYTES = 60.0, 1500.0  # of one file
IN_A_RUN = 24  # files that go through Snakemake
SHARD = "00000-of-00001"
CANARY = "canary"  # folder of a good clip that nothing may open


class Media:
    """The trials, one file each; `attempt_run` is one of many files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clips: list[Path] = []
        self._lock = threading.Lock()
        self.slowest, self.largest = 0.0, 0.0  # seconds and megabytes of all files so far

    def remark(self) -> str:
        """Return what the worst file took."""
        return f"one file at most {self.slowest:.1f} s and {self.largest:.0f} MB"

    def attempt(self, number: int, seed: str, folder: Path) -> Outcome:
        """Read one mutated clip."""
        path, label = self._mutated(number, seed, folder / "data")
        canary = self._plant(folder)
        with recorded_opens(canary) as foreign, recorded_opens(path.parent) as own:
            reading = reader.read(path)
        problems = _problems(reading)
        problems += [f"a foreign file was opened: {CANARY}/{name}" for name in sorted({*foreign})]
        problems += [f"another file was opened: {name}" for name in sorted({*own} - {path.name})]
        self.slowest = max(self.slowest, reading.seconds)
        self.largest = max(self.largest, reading.megabytes)
        return Outcome(label, problems, [] if problems else [_note(reading.statuses)])

    def attempt_run(self, number: int, seed: str, folder: Path) -> Outcome:
        """Run the first stages on good clips, then with mutated ones beside them."""
        world = _folder_of_clips(self._all_clips(), folder)
        canary = self._plant(folder)
        good = world.run()
        before = _artifacts(world)
        readings: dict[str, reader.Reading] = {}
        for i in range(IN_A_RUN):
            path, _ = self._mutated(i, f"{seed}:{i}", folder / "mutated" / str(i))
            target = world.folder / "videos" / f"m{i:02d}_{path.name}"
            shutil.copy(path, target)
            readings[target.stem] = reader.read(target)
        with recorded_opens(canary) as foreign:
            done = world.run()
        problems = [f"exit code {one.code}: {one.message}" for one in (good, done) if one.code]
        problems += tracebacks(done.output)
        problems += [f"a foreign file was opened: {name}" for name in sorted({*foreign})]
        problems += _row_problems(_rows(world), readings)
        after = _artifacts(world)
        problems += [
            f"a good clip's artifact was changed or made again: {name}"
            for name, seen in before.items()
            if after.get(name) != seen
        ]
        problems += left_over(world.results, world.temporary)
        if UP_TO_DATE not in world.run().output:
            problems.append("a second run has something to do")
        return Outcome("a run of good and mutated clips", problems, [f"run of {IN_A_RUN} files"])

    def _all_clips(self) -> list[Path]:
        with self._lock:
            if not self._clips:
                self._clips = write_clips(self._folder / "clips")
            return self._clips

    def _mutated(self, number: int, seed: str, folder: Path) -> tuple[Path, str]:
        """Write a mutated clip; returns it with what was done to it."""
        clips = self._all_clips()
        rng = random.Random(seed)
        clip, mutation = clips[number % len(clips)], rng.choice(MUTATIONS)
        data = [one.read_bytes() for one in clips]
        canary = str(folder.parent / CANARY / "secret.mp4").encode()
        folder.mkdir(parents=True)
        path = folder / clip.name
        path.write_bytes(mutation(clip.read_bytes(), rng, data, canary))
        return path, f"{clip.name}: {mutation.__name__.replace('_', ' ')}"

    def _plant(self, folder: Path) -> Path:
        """Lay a good clip that nobody may open beside the data; returns its folder."""
        canary = folder / CANARY
        canary.mkdir()
        shutil.copy(self._all_clips()[0], canary / "secret.mp4")
        return canary


def _problems(reading: reader.Reading) -> list[str]:
    problems = [reading.error] if reading.error else _unknown(reading.statuses)
    if reading.seconds > MAX_SECONDS:
        problems.append(f"took {reading.seconds:.0f} seconds")
    if reading.megabytes > MAX_MEGABYTES:
        problems.append(f"took {reading.megabytes:.0f} MB")
    return problems


def _unknown(statuses: Mapping[str, str]) -> list[str]:
    return [
        f"{stage}: no known status: {status!r}"
        for stage, status in statuses.items()
        if status not in KNOWN[stage]
    ]


def _note(statuses: Mapping[str, str]) -> str:
    if statuses["probe"] != "ok":
        return "refused"
    return "decoded in part" if statuses["frames"] != "ok" else "decoded"


def _folder_of_clips(clips: Sequence[Path], folder: Path) -> World:
    """Return a world of the good clips in one folder, for the stages that the reader covers."""
    corpus = make_small_demo(folder / "work")
    (corpus.folder / "videos").mkdir()
    for clip in clips[:4]:
        shutil.copy(clip, corpus.folder / "videos")
    config = corpus.folder / "config.yaml"
    settings = yaml.safe_load(config.read_text())
    settings["videos"] = {"source": "folder", "folder": "videos"}
    settings["frames"] = {"short_side": reader.SHORT_SIDE}
    settings["videos_per_shard"] = 2 * IN_A_RUN
    config.write_text(yaml.safe_dump(settings))
    targets = tuple(f"results/{stage}/{SHARD}.ledger.csv" for stage in reader.STAGES)
    return World(corpus, targets)


def _rows(world: World) -> dict[str, dict[str, LedgerEntry]]:
    corpus = world.corpus
    assert isinstance(corpus, Corpus)
    return {stage: corpus.rows(stage) for stage in reader.STAGES}


def _row_problems(
    rows: Mapping[str, Mapping[str, LedgerEntry]], readings: Mapping[str, reader.Reading]
) -> list[str]:
    """Return the files without a row, or with another status than they had when read alone."""
    problems = []
    for name, reading in readings.items():
        for stage, status in reading.statuses.items():
            row = rows[stage].get(name)
            if row is None:
                problems.append(f"{stage}: no row for {name}")
            elif row.status != status:
                problems.append(f"{stage}: {name} is {row.status}, and {status} when read alone")
    return problems


def _artifacts(world: World) -> dict[str, tuple[int, str]]:
    corpus = world.corpus
    assert isinstance(corpus, Corpus)
    return corpus.artifacts(*reader.STAGES)
