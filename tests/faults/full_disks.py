"""Disks that are full: results/ or TMPDIR on a small tmpfs that runs out of space or of inodes.

The writes fail in the kernel, for Python, ffmpeg and Snakemake alike. This needs a mount namespace:
root, or a user who may make one.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faults.campaign import Outcome
from faults.checks import finished, problems_after_resuming, tracebacks
from faults.worlds import SETTINGS, Done, World, Worlds

FULL = "No space left on device"
KINDS = (
    *(("toy", "results", "first build"), ("clips", "results", "first build")),
    *(("toy", "results", "rebuild"), ("clips", "tmp", "first build")),
)
DISK_BYTES, DISK_INODES = 16 << 20, 4000
PAGE = 4096
# Python looks for another folder than a TMPDIR that takes no byte. The long clip's sound is larger.
LEFT_IN_TMPDIR = 1 << 20
BALLAST = ".ballast"  # what takes the room
LATEST = 0.9  # of the seconds that the undisturbed run took
TRIES = 4  # each earlier than the one before, until the disk is full in time
_ENTERED = "UNMUTED_FAULTS_NAMESPACE"


def enter_namespace() -> None:
    """Run this program again in a mount namespace of its own, which ends with it; once.

    Without the right to make one, it goes on, and `is_possible` is False.
    """
    if _ENTERED in os.environ:
        return
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", "--mount", *as_root]
    if shutil.which("unshare") and subprocess.run([*command, "true"]).returncode == 0:
        program = [sys.executable, "-m", "faults", *sys.argv[1:]]
        os.execvpe(command[0], [*command, *program], os.environ | {_ENTERED: "1"})


def is_possible() -> bool:
    """Return whether `enter_namespace` could make a place for small disks."""
    return _ENTERED in os.environ


class FullDisks:
    """The trials: every kind in turn, each disk filled up at its own moment."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds

    def attempt(self, number: int, seed: str, folder: Path) -> Outcome:
        """Run on a disk that something else fills up, make room, run again and compare."""
        name, place, phase = KINDS[number % len(KINDS)]
        rng = random.Random(seed)
        reference = self._worlds.built(name)
        turn = number + number // len(KINDS)
        lacks = ("space", "inodes")[turn % 2] if place == "results" else "space"
        # What a job lays into TMPDIR it takes away again, so that disk is full from the beginning.
        moment = rng.uniform(0.1, LATEST * reference.seconds) if place == "results" else 0.0
        label = f"{name}: no {lacks} in {place} after {moment:.2f} s of the {phase}"
        for earlier in range(TRIES):
            world = self._prepare(name, phase, folder / str(earlier))
            with _disk(world.results if place == "results" else world.temporary) as disk:
                if failed := _run_until_full(world, disk, lacks, moment * 0.6**earlier):
                    before = finished(world.results, reference.contents)
                    shutil.rmtree(disk / BALLAST)
                    problems = [
                        *_untold(failed),
                        *problems_after_resuming(world, reference.contents, before),
                    ]
                    return Outcome(label, problems, [f"{place} of the {name}, no {lacks}"])
        return Outcome(label, ["the run was over each time that the disk became full"])

    def _prepare(self, name: str, phase: str, folder: Path) -> World:
        if phase == "first build":
            return self._worlds.unbuilt(name).copy(folder)
        world = self._worlds.built(name, "other").world.copy(folder)
        world.corpus.change_config(**SETTINGS[name]["usual"])
        return world


@contextmanager
def _disk(folder: Path) -> Iterator[Path]:
    """Move a folder with its content to a small disk of its own for as long as the block lasts."""
    folder.mkdir(exist_ok=True)
    content = folder.with_name(f"{folder.name}-before")
    folder.rename(content)
    folder.mkdir()
    options = f"size={DISK_BYTES},nr_inodes={DISK_INODES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        shutil.copytree(content, folder, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(content)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _run_until_full(world: World, disk: Path, lacks: str, moment: float) -> Done | None:
    """Run, with the disk filled up after some seconds; the run that failed, or None."""
    if moment == 0:
        _fill(disk, lacks, LEFT_IN_TMPDIR)
    process = world.start()
    if moment > 0:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=moment)
            return None
        _fill(disk, lacks)
    done = world.wait(process)
    return done if done.code != 0 else None


def _fill(disk: Path, lacks: str, left: int = 0) -> None:
    """Take what a disk has of inodes, or of space but for some bytes that are left."""
    ballast = disk / BALLAST
    ballast.mkdir()
    try:
        if lacks == "inodes":
            for number in range(DISK_INODES):
                (ballast / str(number)).touch()
        with open(ballast / "space", "wb", buffering=0) as file:
            file.writelines(bytes(PAGE) for _ in range((DISK_BYTES - left) // PAGE))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def _untold(done: Done) -> list[str]:
    """Return what is wrong with the messages of a run that had no room."""
    problems = [f"{one}: {done.message}" for one in tracebacks(done.output)]
    if FULL not in done.output:
        problems.append(f"no line says {FULL!r}: {done.message}")
    return problems
