"""Both Snakefiles start the same workflow, with the settings of the default profile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runs.corpus import REPOSITORY
from slurm.cluster import wait_for
from small_project import make_config

pytestmark = pytest.mark.workflow

LABELS = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}
TARGET = "results/videos.csv"
HALF = "half a table"
# Python loads a module of this name when it starts.
HANG = f"""
import sys, time
from pathlib import Path

if sys.orig_argv[-1].endswith(".list_videos.py"):
    Path("{TARGET}").write_text("{HALF}")
    time.sleep(120)
"""
IN_REPOSITORY = {"root": [], "workflow": ["-s", "workflow/Snakefile"]}
ELSEWHERE = {
    "root": ["-s", str(REPOSITORY / "Snakefile")],
    "workflow": ["-s", str(REPOSITORY / "workflow" / "Snakefile")],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working directory with a configuration."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(make_config(folder, LABELS)))
    return folder


def command(project: Path, *arguments: str) -> list[str]:
    config = ["--configfile", str(project / "config.json")]
    return [sys.executable, "-m", "snakemake", "--cores", "1", *arguments, *config]


def run(project: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(project, *arguments), cwd=cwd, capture_output=True, text=True, timeout=120
    )


def planned(text: str) -> list[str]:
    """The lines of the table of jobs that a dry run prints."""
    return text.partition("Job stats:\n")[2].partition("\n\n")[0].splitlines()


def kill_half_way(project: Path, cwd: Path, *arguments: str) -> None:
    """Kill Snakemake and its job with SIGKILL while the job writes its output."""
    faults = project.parent / "faults"
    faults.mkdir()
    (faults / "sitecustomize.py").write_text(HANG)
    process = subprocess.Popen(
        command(project, TARGET, *arguments),
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(faults)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    table = project / TARGET
    try:
        wait_for(lambda: table.exists() and table.read_text() == HALF, "half of the output", 60)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("entry", IN_REPOSITORY)
def test_a_killed_job_is_run_again(project: Path, entry: str) -> None:
    """From the repository's folder, without --rerun-incomplete on the command line."""
    options = [*IN_REPOSITORY[entry], "--directory", str(project)]
    kill_half_way(project, REPOSITORY, *options)
    done = run(project, REPOSITORY, TARGET, *options, "--workflow-profile", "none")
    assert done.returncode != 0 and "IncompleteFilesException" in done.stderr, done.stderr
    done = run(project, REPOSITORY, TARGET, *options)
    assert done.returncode == 0, done.stderr
    assert "cats0" in (project / TARGET).read_text()


@pytest.mark.parametrize("entry", ELSEWHERE)
def test_a_killed_job_is_run_again_in_any_folder(project: Path, entry: str) -> None:
    kill_half_way(project, project, *ELSEWHERE[entry])
    done = run(project, project, TARGET, *ELSEWHERE[entry])
    assert done.returncode == 0, done.stderr
    assert "cats0" in (project / TARGET).read_text()


def test_the_default_target_is_the_same(project: Path) -> None:
    tables = [planned(run(project, project, "-n", *entry).stdout) for entry in ELSEWHERE.values()]
    assert any("write_report" in line for line in tables[0])
    assert tables[0] == tables[1]


def test_what_one_entry_point_built_is_up_to_date_for_the_other(project: Path) -> None:
    done = run(project, project, TARGET, *ELSEWHERE["root"])
    assert done.returncode == 0, done.stderr
    for options in ELSEWHERE.values():
        done = run(project, project, TARGET, *options, "-n")
        assert "Nothing to be done" in done.stderr + done.stdout, done.stderr


def test_the_library_of_another_checkout_is_refused(project: Path, tmp_path: Path) -> None:
    """Else a run would quietly be that of other code."""
    other = tmp_path / "scripts" / "unmuted"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    done = subprocess.run(
        command(project, TARGET, "-n", *ELSEWHERE["workflow"]),
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    text = " ".join((done.stdout + done.stderr).split())
    assert f"{other}/__init__.py, is not that of this workflow: run `pip install" in text
