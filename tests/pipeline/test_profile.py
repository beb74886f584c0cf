"""The cluster profile, as far as it can be checked without a cluster."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from snakemake_executor_plugin_slurm.partitions import get_best_partition, read_partition_file

from pipeline.test_rules import ON_GPU
from runs.corpus import COMPARED
from small_project import CLIP_STAGES, make_config

LABELS = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}
FILLED_IN = {"YOUR_ACCOUNT": "videos", "YOUR_PARTITION": "cpu", "YOUR_GPU_PARTITION": "gpu"}
TIMELINES = "results/timeline_cnn/00000-of-00004.ledger.csv"  # no report needs them
TARGETS = ("results/arch2_metrics.json", *COMPARED, TIMELINES)


@dataclass
class Job:
    """A job, as the executor asks it for its resources."""

    resources: dict[str, int | str]
    threads: int = 1
    name: str = "job"


def profile(repository: Path) -> Path:
    return repository / "profiles" / "slurm"


def fill_in(repository: Path, folder: Path, **changes: str) -> Path:
    """Copy the profile and fill in these placeholders, all by default."""
    shutil.copytree(profile(repository), folder)
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        for gap, value in (changes or FILLED_IN).items():
            text = re.sub(rf"\b{gap}\b", value, text)
        path.write_text(text, encoding="utf-8")
    return folder


def dry_run(
    cwd: Path, project: Path, profile: Path, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Plan a run of small files, in a folder that is not the current one."""
    (project / "config.json").write_text(json.dumps(make_config(project, LABELS)))
    config = ["--directory", str(project), "--configfile", str(project / "config.json")]
    options = ("--profile", str(profile), *options)
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *TARGETS, *options, *config],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("gpu", "partition"), [(0, "cpu"), (1, "gpu")])
@pytest.mark.parametrize("limits", ["none", "max_runtime"])
@pytest.mark.parametrize("runtime", [10, 1440])
def test_jobs_with_a_gpu_and_those_without_get_their_own_partition(
    repository: Path, tmp_path: Path, gpu: int, partition: str, limits: str, runtime: int
) -> None:
    """Also those that take all the time that the GPU's partition allows."""
    path = fill_in(repository, tmp_path / "profile") / "partitions.yaml"
    if limits == "max_runtime":
        path.write_text(path.read_text().replace("    # max_runtime", "    max_runtime"))
        assert all(limits in one for one in yaml.safe_load(path.read_text())["partitions"].values())
    job = Job({"gpu": gpu, "mem_mb": 64_000, "runtime": runtime} if gpu else {"runtime": runtime})
    found = get_best_partition(read_partition_file(path), job, logging.getLogger())
    assert found == partition


def test_one_partition_serves_all_jobs_where_the_first_entry_is_removed(
    repository: Path, tmp_path: Path
) -> None:
    path = fill_in(repository, tmp_path / "profile") / "partitions.yaml"
    before, _, after = path.read_text().partition("  cpu:\n")
    path.write_text(before + after[after.index("  gpu:\n") :])
    partitions = read_partition_file(path)
    jobs = [Job({"gpu": 1, "runtime": 60}), Job({"runtime": 60})]
    found = [get_best_partition(partitions, job, logging.getLogger()) for job in jobs]
    assert found == ["gpu", "gpu"]


@pytest.mark.workflow
@pytest.mark.parametrize("options", [[], ["--executor", "dryrun"], ["-n"]], ids=str)
def test_a_profile_that_is_not_filled_in_is_refused(
    repository: Path, tmp_path: Path, options: list[str]
) -> None:
    done = dry_run(repository, tmp_path, profile(repository), *options)
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in text, text
    assert "still has YOUR_ACCOUNT, YOUR_GPU_PARTITION, YOUR_PARTITION" in text, text
    assert "Job stats" not in text


@pytest.mark.workflow
def test_the_file_of_partitions_must_be_filled_in_as_well(repository: Path, tmp_path: Path) -> None:
    account = fill_in(repository, tmp_path / "profile", YOUR_ACCOUNT="videos")
    done = dry_run(repository, tmp_path, account, "-n")
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in text, text
    assert "still has YOUR_GPU_PARTITION, YOUR_PARTITION" in text, text
    assert str(profile(repository) / "partitions.yaml") in text, text


@pytest.mark.workflow
def test_only_rules_with_a_gpu_ask_for_its_type(repository: Path, tmp_path: Path) -> None:
    """The profile names it once, for all."""
    filled = fill_in(repository, tmp_path / "profile")
    text = (filled / "config.yaml").read_text()
    assert text.count('gpu_model: ""') == 1
    (filled / "config.yaml").write_text(text.replace('gpu_model: ""', "gpu_model: a100"))
    partitions = str(filled / "partitions.yaml")
    done = dry_run(repository, tmp_path, filled, "-n", SNAKEMAKE_SLURM_PARTITIONS=partitions)
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"^rule (\w+):$.*?^ +resources: (.*?)$", done.stdout, re.MULTILINE | re.DOTALL
    )
    with_type = {rule for rule, resources in found if "gpu_model=a100" in resources}
    of_clips = ON_GPU & {stage.script for stage in CLIP_STAGES.values()}
    assert with_type == {rule for rule, resources in found if "gpu=1" in resources} == of_clips
