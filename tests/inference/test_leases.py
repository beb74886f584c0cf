"""Several GPUs, each for one job: fake GPUs, real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from unmuted.inference import device as devices
from unmuted.inference import leases

JOB = """
import sys
from pathlib import Path
from unmuted.inference.leases import lease
print(lease(sys.argv[2:], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


class Job:
    """A process that holds a GPU until it is told to end, or killed."""

    def __init__(self, folder: Path, *gpus: str) -> None:
        scripts = str(Path(leases.__file__).parents[2])
        command = [sys.executable, "-c", JOB, str(folder), *gpus]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env={"PYTHONPATH": scripts}, text=True, **pipes)

    def gpu(self) -> int:
        return int(self.process.stdout.readline())

    def end(self, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def jobs(tmp_path: Path):
    started = []

    def start(*gpus: str) -> Job:
        started.append(Job(tmp_path / "locks", *gpus))
        return started[-1]

    yield start
    for job in started:
        job.end(kill=True)


def test_jobs_side_by_side_get_a_gpu_each(jobs) -> None:
    assert sorted(jobs("GPU-a", "GPU-b", "GPU-c").gpu() for _ in range(3)) == [0, 1, 2]


@pytest.mark.parametrize("kill", [False, True])
def test_the_next_job_waits_for_one_that_ends_or_is_killed(jobs, kill: bool) -> None:
    first, second = jobs("GPU-a", "GPU-b"), jobs("GPU-a", "GPU-b")
    taken = {job.gpu(): job for job in (first, second)}
    third = jobs("GPU-a", "GPU-b")
    with pytest.raises(subprocess.TimeoutExpired):
        third.process.wait(timeout=1)
    taken[1].end(kill)
    assert third.gpu() == 1


def test_gpus_are_told_apart_by_name_and_not_by_place(jobs) -> None:
    """A scheduler that hides the others calls every job's GPU number 0."""
    assert jobs("GPU-a").gpu() == 0
    assert jobs("GPU-b").gpu() == 0
    assert jobs("GPU-a", "GPU-b", "GPU-c").gpu() == 2


def test_a_process_keeps_its_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_held", {})
    assert leases.lease(["GPU-x", "GPU-y"], tmp_path) == 0
    assert leases.lease(["GPU-x", "GPU-y"], tmp_path) == 0
    assert leases.lease(["GPU-y", "GPU-x"], tmp_path) == 1


def test_a_job_computes_on_the_gpu_that_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    uuids = ["GPU-a", "GPU-b"]
    properties = [SimpleNamespace(uuid=uuid) for uuid in uuids]
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties.__getitem__)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(devices, "lease", lambda names: names.index("GPU-b"))
    for requested in ("auto", "cuda"):
        assert devices.use_device(requested, torch.get_num_threads()) == torch.device("cuda", 1)
    assert devices.use_device("cuda:0", torch.get_num_threads()) == torch.device("cuda", 0)
    assert chosen == [torch.device("cuda", 1)] * 2
