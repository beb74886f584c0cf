"""The whole main job: by the workflow against the same stages in one process.

Both run at the same time, each on a core of its own, and exchange their cores every minute: what
the machine does otherwise hits both alike, and neither gains from more threads or more jobs at
once. When one has ended, its core is kept as busy as before: the other must not end on a machine
of its own. So one pass, which takes most of an hour, is measured and no median over several.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from measure import ROOT, Figure, Limit, ratios
from run import ENVIRONMENT, HERE
from workload import (
    SCRATCH,
    enter_project,
    jobs_and_seconds,
    make_clips,
    published_size_models,
)

CLIPS = int(os.environ.get("BENCH_CLIPS", 256))
PER_SHARD = 128
EXCHANGE_S = 60.0  # how long a side keeps its core
SETTINGS = {"threads": 1, "captions": {"max_new_tokens": 10}}  # as long as most captions are
TARGET = "results/arch2_metrics.json"


def main() -> None:
    videos = make_clips(CLIPS, distinct=CLIPS)
    models = published_size_models(SCRATCH / "models")
    cores = sorted(os.sched_getaffinity(0))[:2]
    folders = {side: SCRATCH / side for side in ("one_process", "ours", "filler")}
    for folder in folders.values():
        enter_project(folder, videos[0].parents[1], models, PER_SHARD, **SETTINGS)
    work = {
        "one_process": (one_process(folders["one_process"]), HERE),
        "ours": (snakemake_command(folders["ours"], 1, TARGET), ROOT),
    }
    filler = one_process(folders["filler"]), HERE
    samples = {side: [taken] for side, taken in side_by_side(work, filler, cores).items()}
    found = [json.loads((folders[side] / TARGET).read_text()) for side in work]
    assert found[0]["arms"] == found[1]["arms"]  # the same numbers, to the last digit
    jobs, inside = jobs_and_seconds(folders["ours"])
    Figure(
        "workflow_overhead",
        f"whole workflow wall / the same stages in one process, {CLIPS} clips, published sizes,"
        " one core each",
        ratios(samples["ours"], samples["one_process"]),
        limit=Limit(most=1.10),
        decides=True,
        samples=samples,
        details={
            "unit": "seconds",
            "videos_per_shard": PER_SHARD,
            "jobs": jobs,
            "seconds inside jobs, by rule": inside,
        },
    ).write()


Command = tuple[Sequence[str], Path]  # what is run, and in which folder


def side_by_side(
    work: Mapping[str, Command],
    filler: Command,
    cores: Sequence[int],
    exchange_s: float = EXCHANGE_S,
) -> dict[str, float]:
    """Seconds of commands that run at the same time on a core each.

    The cores go round every `exchange_s` seconds, with all that the commands started. A command
    that has ended leaves its core to `filler`, which is killed when all have ended. Raises
    RuntimeError as soon as one fails; the others, and what they started, are then killed.
    """
    started, taken, turn = time.perf_counter(), {}, 0
    pairs = zip(work.items(), cores, strict=True)
    running = {side: started_on(core, *command) for (side, command), core in pairs}
    try:
        while len(taken) < len(work):
            for side in work.keys() - taken:
                if (code := running[side].poll()) is None:
                    continue
                taken[side] = time.perf_counter() - started
                if code != 0:
                    raise RuntimeError(f"{side} failed; its messages stand above")
                core = cores[(list(work).index(side) + turn) % len(cores)]
                running[side] = started_on(core, *filler)
            if time.perf_counter() - started > (turn + 1) * exchange_s:
                turn += 1
                first = turn % len(cores)
                pin(running.values(), [*cores[first:], *cores[:first]])
            time.sleep(0.1)
    finally:
        for process in running.values():
            if process.poll() is None:  # Snakemake, asked politely, would wait for its jobs
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return taken


def started_on(core: int, command: Sequence[str], cwd: Path) -> subprocess.Popen:
    """A command in a session of its own, on this core alone."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=ENVIRONMENT,
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


def pin(commands: Iterable[subprocess.Popen], cores: Sequence[int]) -> None:
    """Every thread of each command, and of what it started, onto the command's core.

    What they start later inherits it.
    """
    for command, core in zip(commands, cores, strict=True):
        for thread in threads_of(command.pid) if command.poll() is None else ():
            with suppress(ProcessLookupError):  # it has ended since
                os.sched_setaffinity(thread, {core})


def threads_of(pid: int) -> Iterator[int]:
    """Thread ids of a process and of its descendants; of one that has ended, none."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                yield from (thread.id for thread in process.threads())


def one_process(folder: Path) -> list[str]:
    return [sys.executable, "-m", "baselines.one_process", str(folder), "1"]


def snakemake_command(folder: Path, cores: int, *targets: str) -> list[str]:
    """Runs the workflow in a working directory that has a config.yaml."""
    options = ["--cores", str(cores), "--quiet", "all", "--directory", str(folder)]
    config = ["--configfile", str(folder / "config.yaml")]
    return [sys.executable, "-m", "snakemake", *targets, *options, *config]


if __name__ == "__main__":
    main()
