"""Where a Slurm or a browser must be there, its tests cannot be skipped unseen."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from browser.chromium import NEEDED as NEEDED_BROWSER
from runs.corpus import REPOSITORY
from slurm import cluster
from slurm.conftest import NEEDED, require_slurm

# What .ci/run calls, as seen by root on a machine where apt-get works at the `works`-th try.
FAKES = {
    "id": "echo 0",
    "timeout": 'shift; exec "$@"',
    "apt-get": '[ "$1" = install ] || exit 0; echo "$@" >>tries; [ "$(wc -l <tries)" -ge {works} ]',
    "make": f'echo "$1 {NEEDED}=${NEEDED} {NEEDED_BROWSER}=${NEEDED_BROWSER}"',
}


@pytest.fixture
def without_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PROGRAMS", ("munged-of-nowhere",))


@pytest.mark.usefixtures("without_slurm")
def test_without_slurm_its_tests_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NEEDED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="munged-of-nowhere"):
        require_slurm()


@pytest.mark.usefixtures("without_slurm")
def test_without_slurm_they_fail_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NEEDED, "1")
    with pytest.raises(pytest.fail.Exception, match=f"munged-of-nowhere.*{NEEDED}"):
        require_slurm()


def run_ci(folder: Path, works: int) -> subprocess.CompletedProcess[str]:
    """Run .ci/run, with nothing but the fakes on its PATH, in a folder of its own."""
    programs = folder / "bin"
    programs.mkdir()
    for name, script in FAKES.items():
        (programs / name).write_text(f"#!/bin/sh\n{script.replace('{works}', str(works))}\n")
        (programs / name).chmod(0o755)
    for name in ("bash", "dirname", "wc"):
        (programs / name).symlink_to(shutil.which(name))
    (folder / ".ci").mkdir()
    script = shutil.copy(REPOSITORY / ".ci" / "run", folder / ".ci")
    needed = (NEEDED, NEEDED_BROWSER)
    environment = {key: value for key, value in os.environ.items() if key not in needed}
    return subprocess.run(
        ["bash", script],
        env=environment | {"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize(("works", "tries"), [(1, 1), (2, 2), (9, 2)])
def test_continuous_integration_needs_what_it_may_install(
    tmp_path: Path, works: int, tries: int
) -> None:
    done = run_ci(tmp_path, works)
    installed = (tmp_path / "tries").read_text().splitlines()
    assert len(installed) == tries
    assert all(one.endswith(" slurm-wlm munge chromium") for one in installed)
    assert ("apt-get failed" in done.stderr) == (works > tries)
    assert f"test {NEEDED}=1 {NEEDED_BROWSER}=1" in done.stdout
