"""How the benchmarks measure: pairs of runs, limits, times, what a GPU does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent

import measure
import run
from figures import gpu, process_per_video, training_memory, workflow_overhead
from unmuted.engine import processes
from unmuted.media import ffmpeg
from workload import jobs_and_seconds


def test_processes_of_one_video_run_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_at_once = threading.Barrier(2, timeout=10)
    seen = []

    def note(command: Sequence[str], **_: object) -> None:
        two_at_once.wait()
        folder = Path(command[-1])
        config = yaml.safe_load((folder / "config.yaml").read_text())
        seen.append((config["threads"], [path.name for path in folder.glob("videos/*")]))

    monkeypatch.setattr(process_per_video, "SCRATCH", tmp_path)
    monkeypatch.setattr(process_per_video, "THREADS", 2)
    monkeypatch.setattr(subprocess, "run", note)
    videos = [tmp_path / f"{name}.mp4" for name in "abcd"]
    process_per_video.run_each_alone(videos, {})
    assert sorted(seen) == [(1, [video.name]) for video in videos]


@pytest.mark.parametrize("fit", training_memory.FITS)
def test_mapped_files_and_tensors_in_memory_train_alike(
    fit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_memory, "BATCH", 8)  # five steps an epoch
    training_memory.write_features(tmp_path, 40)
    sides = training_memory.SIDES[fit](training_memory.read_clips(tmp_path, 40))
    assert sides.mapped() > 0
    assert sides.tensor() > 0
    mapped, tensor = sides.clock.histories
    assert len(mapped) == 1
    assert mapped == tensor


FILLER = (["sleep", "600"], Path.cwd())


def test_a_core_that_is_free_early_is_kept_busy(tmp_path: Path) -> None:
    (core, *_) = os.sched_getaffinity(0)
    note = tmp_path / "filler"
    wait = f"while [ ! -s {note} ]; do sleep 0.1; done"  # ends only if the filler is started
    work = {"short": (["true"], tmp_path), "long": (["sh", "-c", wait], tmp_path)}
    filler = (["sh", "-c", f"echo $$ > {note}; sleep 600"], tmp_path)
    taken = workflow_overhead.side_by_side(work, filler, [core, core])
    assert taken["short"] < taken["long"] < 60
    assert processes.started(int(note.read_text())) is None  # killed in the end


def test_when_one_side_fails_the_other_is_killed_with_what_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    deaf = f"trap '' TERM; sleep 600 & echo $! > {note}; wait"
    (core, *_) = os.sched_getaffinity(0)
    work = {
        "slow": (["sh", "-c", deaf], tmp_path),
        "bad": (["sh", "-c", f"while [ ! -s {note} ]; do sleep 0.1; done; exit 3"], tmp_path),
    }
    with pytest.raises(RuntimeError, match="bad failed"):
        workflow_overhead.side_by_side(work, FILLER, [core, core])
    deadline = time.monotonic() + 10  # a signal takes a moment
    while processes.started(int(note.read_text())) is not None:
        assert time.monotonic() < deadline, "what the slow side started runs on"
        time.sleep(0.05)


def test_sides_run_at_the_same_time_and_exchange_their_cores(tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        pytest.skip("two cores are needed to exchange them")
    code = """
import os, subprocess, sys, time
if sys.argv[1] == "parent":
    command = [sys.executable, sys.argv[0], "child", sys.argv[2] + ".child"]
    sys.exit(subprocess.run(command).returncode)
with open(sys.argv[2], "w") as seen:
    for _ in range(30):
        print(*os.sched_getaffinity(0), file=seen)
        time.sleep(0.1)
"""
    script = tmp_path / "side.py"
    script.write_text(code)
    work = {
        "a": ([sys.executable, str(script), "parent", "a"], tmp_path),
        "b": ([sys.executable, str(script), "child", "b"], tmp_path),
    }
    taken = workflow_overhead.side_by_side(work, FILLER, cores, exchange_s=0.5)
    assert all(seconds >= 3 for seconds in taken.values())
    for name in ("a.child", "b"):  # always on one core, on each in turn
        seen = (tmp_path / name).read_text().splitlines()
        assert set(seen) == {str(core) for core in cores}


def test_sides_are_measured_in_turns() -> None:
    order = []

    def side(name: str, value: float) -> float:
        order.append(name)
        return value

    samples = measure.alternate(3, a=lambda: side("a", 2.0), b=lambda: side("b", 1.0))
    assert order == ["a", "b"] * 3
    assert samples == {"a": [2.0] * 3, "b": [1.0] * 3}


def test_a_ratio_is_that_of_pairs_from_the_same_repeat() -> None:
    # The machine was slow in the second repeat: both sides were.
    assert measure.ratios([10, 30, 11], [5, 15, 5]) == [2, 2, 2.2]
    assert measure.ratios([1], [Fraction(1, 3)]) == [3]


@pytest.mark.parametrize(
    ("limit", "value", "met"),
    [
        (measure.Limit(least=9), 9.0, True),
        (measure.Limit(least=9), 8.99, False),
        (measure.Limit(most=1.1), 1.1, True),
        (measure.Limit(most=1.1), 1.2, False),
    ],
)
def test_limits(limit: measure.Limit, value: float, met: bool) -> None:
    assert limit.is_met(value) is met


def test_a_figure_says_what_it_was_measured_with_and_the_table_what_was_met(tmp_path: Path) -> None:
    limit = measure.Limit(least=2)
    path = measure.Figure("good", "a / b", 3.0, limit=limit, decides=True).write(tmp_path)
    measure.Figure("bad", "c / d", 1.5, limit=limit).write(tmp_path)
    measure.Figure("told", "seconds of e", [12.0, 19.0, 11.0], unit="s").write(tmp_path)
    measure.Figure("absent", "on a GPU", None, details={"reason": "no GPU"}).write(tmp_path)
    measure.Figure("large", "memory of f", 1694.4, unit="MB").write(tmp_path)
    found = json.loads(path.read_text())
    assert (found["value"], found["goal"], found["met"]) == (3.0, ">= 2", True)
    assert found["measured"]["versions"]["torch"] == torch.__version__.split("+")[0]
    assert found["measured"]["versions"]["ffmpeg"] == ffmpeg.version()
    assert found["measured"]["machine"]["cores"] >= 1
    commit = found["measured"]["commit"]
    lines = run.table(tmp_path).splitlines()[2:]
    assert lines == [
        f"| on a GPU | unmeasured: no GPU |  | report |  | A, [{commit}](samples/absent.json) |",
        f"| c / d | 1.5 |  | >= 2 | **no** | A, [{commit}](samples/bad.json) |",
        f"| **a / b** | 3 |  | >= 2 | yes | A, [{commit}](samples/good.json) |",
        f"| memory of f | 1,694 MB |  | report |  | A, [{commit}](samples/large.json) |",
        f"| seconds of e | 12 s | 11 to 19 (3) | report |  | A, [{commit}](samples/told.json) |",
    ]


def test_seconds_in_jobs_are_summed_by_rule_and_may_begin_at_a_time(tmp_path: Path) -> None:
    for ended, name, taken in ((10, "old", 5), (20, "new/a", 2), (30, "new/b", 3)):
        table = tmp_path / "results" / "benchmarks" / f"{name}/all.tsv"
        table.parent.mkdir(parents=True)
        table.write_text(f"s\th:m:s\n{taken}\t0:00:0{taken}\n")
        os.utime(table, (ended, ended))
    assert jobs_and_seconds(tmp_path) == (3, {"old": 5, "new": 5})
    assert jobs_and_seconds(tmp_path, since=15) == (2, {"new": 5})


def test_figures_are_shown_by_a_python_that_does_not_know_the_workflow(repository: Path) -> None:
    command = [sys.executable, "benchmarks/run.py", "--table"]
    done = subprocess.run(command, cwd=repository, env={}, capture_output=True, text=True)
    assert done.stdout.startswith("| figure |"), done.stderr


def test_every_figure_is_listed_and_there(repository: Path) -> None:
    files = {path.stem for path in (repository / "benchmarks" / "figures").glob("[a-z]*.py")}
    assert files == set(run.ORDER)


@pytest.mark.parametrize(
    ("intervals", "length"),
    [
        ([], 0),
        ([(5, 6), (0, 2)], 3),
        ([(0, 1), (1, 2)], 2),
        ([(3, 6), (0, 4)], 6),
        ([(0, 9), (1, 2), (3, 4), (8, 10)], 10),
    ],
)
def test_time_that_several_intervals_cover_counts_once(
    intervals: list[tuple[float, float]], length: float
) -> None:
    assert gpu.covered(intervals) == length


def test_only_kernels_keep_a_gpu_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def event(start: int, end: int, kind: str, device: DeviceType) -> FunctionEvent:
        times = {"start_us": start, "end_us": end}
        return FunctionEvent(0, kind, 0, device_type=device, activity_type=kind, **times)

    events = [
        event(0, 400_000, "kernel", DeviceType.CUDA),
        event(300_000, 600_000, "kernel", DeviceType.CUDA),  # of another stream
        event(500_000, 900_000, "gpu_memcpy", DeviceType.CUDA),
        event(0, 1_000_000, "gpu_user_annotation", DeviceType.CUDA),
        event(0, 1_000_000, "cpu_op", DeviceType.CPU),
    ]
    profiled = nullcontext(SimpleNamespace(events=lambda: events))
    monkeypatch.setattr(gpu, "profile", lambda activities: profiled)
    monkeypatch.setattr(gpu, "seconds", lambda work: 1.0)
    assert gpu.idle_share(lambda: None) == pytest.approx(0.4)


def test_without_a_gpu_its_figures_are_unmeasured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def figure(*arguments: object, **named: object) -> SimpleNamespace:
        return SimpleNamespace(write=lambda: measure.Figure(*arguments, **named).write(tmp_path))

    monkeypatch.setattr(gpu, "Figure", figure)
    gpu.main()
    assert run.table(tmp_path).count("unmeasured: no GPU here") == len(gpu.NAMES)
