"""kill -9 of a run, or of one process of it, at a random moment; then the run is resumed."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path

import psutil

from faults.campaign import Outcome
from faults.checks import finished, problems_after_resuming
from faults.worlds import SETTINGS, Reference, World, Worlds, kill_group

VICTIMS = ("group", "snakemake", "job")  # everything at once, Snakemake alone, one process of a job
ON_CLIPS = (*VICTIMS, "decoder")
# What is going on: a first build, a rebuild after changed settings, the writing of a report.
KINDS = [
    *product([("toy", "first build")], VICTIMS),
    *product([("clips", "first build")], ON_CLIPS),
    *product([("toy", "rebuild"), ("toy", "report")], VICTIMS),
    *product([("clips", "rebuild")], ON_CLIPS),
    *product([("toy", "first build")], VICTIMS),
]
LATEST = 0.95  # of the seconds that the undisturbed run took
REPORT_SECONDS = 1.0  # from the start of the process that writes the report
TRIES = 4  # each earlier than the one before, until the run is still going on when it is killed


class Kills:
    """The trials: every kind of kill in turn, each at its own moment."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds

    def attempt(self, number: int, seed: str, folder: Path) -> Outcome:
        """Kill a run once or twice, resume it, and compare with the undisturbed run."""
        (name, phase), victim = KINDS[number % len(KINDS)]
        rng = random.Random(seed)
        reference = self._worlds.built(name)
        latest = REPORT_SECONDS if phase == "report" else LATEST * reference.seconds
        moments = [rng.uniform(0.05, latest) for _ in range(rng.choice((1, 1, 2)))]
        times = " and ".join(f"{moment:.2f} s" for moment in moments)
        label = f"{name}: {victim} killed in the {phase} after {times}"
        for earlier in range(TRIES):
            world = self._prepare(name, phase, folder / str(earlier))
            struck = [_kill(world, phase, victim, m * 0.6**earlier, rng) for m in moments]
            if any(struck):
                return Outcome(label, _resume(world, reference), [f"{victim} in the {phase}"])
        return Outcome(label, ["the run was over each time that it was to be killed"])

    def _prepare(self, name: str, phase: str, folder: Path) -> World:
        """Return a world in which the run of the usual settings still has to do this."""
        if phase == "first build":
            return self._worlds.unbuilt(name).copy(folder)
        settings = "other" if phase == "rebuild" else "usual"
        world = self._worlds.built(name, settings).world.copy(folder)
        world.corpus.change_config(**SETTINGS[name]["usual"])
        if phase == "report":
            (world.results / "summary.json").unlink()
        return world


def _kill(world: World, phase: str, victim: str, moment: float, rng: random.Random) -> bool:
    """Run and kill; whether there was still something to be killed."""
    process = world.start()
    if phase == "report":
        _wait_for(process, "write_summary")
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=moment)
        return False
    if victim == "group":
        kill_group(process)
    elif victim == "snakemake":  # its jobs go on: the next run has to wait for them
        process.kill()
        process.wait()
    else:
        killed = _kill_one(process, rng, decodes if victim == "decoder" else exists)
        world.wait(process)
        return killed
    return True


def _wait_for(process: subprocess.Popen[bytes], script: str) -> None:
    """Wait until a process of the run has the name of a script in its command line."""
    while process.poll() is None:
        for child in _processes(process):
            with suppress(psutil.Error):
                if any(script in argument for argument in child.cmdline()):
                    return
        time.sleep(0.01)


def _kill_one(
    process: subprocess.Popen[bytes],
    rng: random.Random,
    is_wanted: Callable[[psutil.Process], bool],
) -> bool:
    """Kill one process of a job, once a wanted one runs; whether there was one."""
    while process.poll() is None:
        with suppress(psutil.Error):
            running = [one for one in _processes(process) if is_wanted(one)]
            if running:
                rng.choice(sorted(running, key=lambda one: one.pid)).kill()
                return True
        time.sleep(0.01)
    return False


def decodes(process: psutil.Process) -> bool:
    """Return whether a process is an ffmpeg with a file to read, not one that tells its version."""
    return process.name().startswith("ffmpeg") and "-i" in process.cmdline()


def exists(process: psutil.Process) -> bool:
    """Want any process of a job: its shell, its script, or a decoder."""
    return process.is_running()


def _processes(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def _resume(world: World, reference: Reference) -> list[str]:
    before = finished(world.results, reference.contents) if world.results.exists() else {}
    return problems_after_resuming(world, reference.contents, before)
