"""The three lists of what the project needs say the same."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

WORKFLOW = {"snakemake", "snakemake-executor-plugin-slurm"}
NOT_IN_JOBS = WORKFLOW | {"pytest", "pytest-xdist", "hypothesis", "ruff", "psutil", "snakefmt"}


def _pins(lines: list[str]) -> dict[str, str]:
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {_name(name): version.strip() for name, version in pairs}


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9_.-]+", text.strip()).group()).lower()


def test_conda_environment_pins_what_the_lock_pins(repository: Path) -> None:
    lock = _pins((repository / "requirements.lock").read_text().splitlines())
    wanted = (repository / "requirements.txt").read_text().splitlines()
    names = {_name(line) for line in wanted if line.strip() and not line.startswith("#")}
    assert names <= lock.keys()
    environment = yaml.safe_load((repository / "envs" / "unmuted.yaml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert _pins(pip) == {name: lock[name] for name in names - NOT_IN_JOBS}


def test_lock_has_nothing_that_only_this_machine_could_install(repository: Path) -> None:
    lines = (repository / "requirements.lock").read_text().splitlines()
    assert all(re.fullmatch(r"#.*|[A-Za-z0-9_.-]+==[A-Za-z0-9.+!]+", line) for line in lines)
