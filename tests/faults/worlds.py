"""What the faults are injected into: the toy workflow, and the first stages on real clips.

A trial works on a copy, in a folder of its own with a TMPDIR of its own. What its results must be,
an undisturbed run of the same settings says.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.toy_corpus import LIBRARY, TOY, ToyCorpus, make_toy
from faults.checks import Content, contents
from faults.clips import write_long_clip
from runs.corpus import Corpus, make_small_demo
from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import plan_world

_ERROR_LINE = re.compile(r"^error: |Error\b.*: .|Errno|hung for")
SECONDS = 120.0  # a run that takes longer hangs
DEMO_CLIPS = 4  # of each of two classes

# Settings of the undisturbed runs, by name. Most trials must end with what "usual" leaves.
SETTINGS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "toy": {
        "usual": {"toy": {"delay": 0.03, "factor": 2.0, "spread": 1.0}},
        "other": {"toy": {"factor": 9.0}},
        "late": {"toy": {"spread": 3.0}},
    },
    "clips": {
        "usual": {"frames": {"short_side": 64}, "wav": {"silence_db": -60}},
        "other": {"frames": {"short_side": 48}, "wav": {"silence_db": -50}},
    },
}
CLIP_TARGETS = tuple(
    f"results/{stage}/{shard}-of-00002.ledger.csv"
    for stage in ("frames", "wav")
    for shard in ("00000", "00001")
)


@dataclass(frozen=True)
class Done:
    """A run that has ended: its exit code, negative for a signal, and all that it printed."""

    code: int
    output: str

    @property
    def message(self) -> str:
        """Why it ended, in one line: the last line that names an error."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        errors = [line for line in lines if _ERROR_LINE.search(line)]
        errors += [
            line for before, line in pairwise(lines) if before.startswith("WorkflowError in")
        ]
        return f"exit {self.code}: {(errors or lines or [''])[-1][:300]}"


@dataclass(frozen=True)
class World:
    """A working directory, `folder`/work, and how a run of it is started.

    TMPDIR and the output of each run lie beside it.
    """

    corpus: ToyCorpus | Corpus
    targets: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return self.corpus.folder

    @property
    def results(self) -> Path:
        return self.corpus.results

    @property
    def temporary(self) -> Path:
        return self.folder.parent / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(TOY), str(LIBRARY)])
        more = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary)}
        return {**os.environ, **more}

    def copy(self, folder: Path) -> World:
        """Return the same world, with everything that was built, in another folder."""
        return World(self.corpus.copy(folder / "work"), self.targets)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a run as the leader of a process group; its output goes to a file."""
        self.temporary.mkdir(exist_ok=True)
        with open(self._output(self._runs() + 1), "wb") as output:
            return subprocess.Popen(
                self.corpus.command(*self.targets, *options),
                cwd=TOY.parents[2],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, process: subprocess.Popen[bytes], seconds: float = SECONDS) -> Done:
        """Wait for the end of a run; one that hangs is ended, and is no success."""
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            kill_group(process)
            return Done(-signal.SIGKILL, f"{self.output()}\nhung for {seconds:g} seconds")
        return Done(process.returncode, self.output())

    def run(self, *options: str, seconds: float = SECONDS) -> Done:
        """Run, and wait for the end."""
        return self.wait(self.start(*options), seconds)

    def output(self) -> str:
        """What the last run has printed so far."""
        return self._output(self._runs()).read_text(encoding="utf-8", errors="replace")

    def _runs(self) -> int:
        return len(list(self.folder.parent.glob("output-*.txt")))

    def _output(self, run: int) -> Path:
        return self.folder.parent / f"output-{run}.txt"


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a run with all its jobs, without a chance to tidy up."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass(frozen=True)
class Reference:
    """An undisturbed run: its world, what it left, and the seconds that it took."""

    world: World
    contents: Mapping[str, Content]
    seconds: float


class Worlds:
    """The worlds that trials copy: each is built once, when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, World] = {}
        self._built: dict[tuple[str, str], Reference] = {}
        self._lock = threading.RLock()

    def unbuilt(self, name: str) -> World:
        """Return the toy ("toy") or the clips ("clips") before any run; not to be changed."""
        with self._lock:
            if name not in self._made:
                make = {"toy": make_toy_world, "clips": make_clips_world}[name]
                self._made[name] = make(self._folder / name)
            return self._made[name]

    def built(self, name: str, settings: str = "usual") -> Reference:
        """Return the undisturbed run of these settings; not to be changed."""
        with self._lock:
            if (name, settings) not in self._built:
                world = self.unbuilt(name).copy(self._folder / f"{name}-{settings}")
                world.corpus.change_config(**SETTINGS[name][settings])
                started = time.monotonic()
                done = world.run()
                if done.code != 0:
                    raise RuntimeError(f"the undisturbed run failed:\n{done.output}")
                seconds = time.monotonic() - started
                self._built[name, settings] = Reference(world, contents(world.results), seconds)
            return self._built[name, settings]


def make_toy_world(folder: Path) -> World:
    """Return the toy workflow on files of numbers."""
    corpus = make_toy(folder / "work")
    corpus.change_config(**SETTINGS["toy"]["usual"])
    return World(corpus)


def make_clips_world(folder: Path) -> World:
    """Return the small corpus as a user's folder of clips, and a long one whose sound fills TMPDIR.

    Its runs probe the clips and make frames and sound.
    """
    corpus = make_small_demo(folder / "work")
    for spec in plan_world(2, DEMO_CLIPS, 7, 1.0):
        write_clip(spec, corpus.folder / "videos" / spec.label / f"{spec.video_id}.mp4")
    write_long_clip(corpus.folder / "videos" / spec.label / "long.mp4")
    videos = {"source": "folder", "folder": "videos", "max_seconds": 600}
    corpus.change_config(videos=videos, videos_per_shard=6, **SETTINGS["clips"]["usual"])
    return World(corpus, CLIP_TARGETS)
