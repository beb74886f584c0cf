"""The three lists of what the project needs say the same."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

WORKFLOW = {"snakemake", "snakemake-executor-plugin-slurm"}


def _pins(lines: list[str]) -> dict[str, str]:
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {_name(name): version.strip() for name, version in pairs}


def _names(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {_name(line) for line in lines if line.strip() and not line.startswith("#")}


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9_.-]+", text.strip()).group()).lower()


def test_conda_environment_pins_what_the_lock_pins(repository: Path) -> None:
    lock = _pins((repository / "requirements.lock").read_text().splitlines())
    names, tools = (_names(repository / f"requirements{kind}.txt") for kind in ("", "-dev"))
    assert names | tools <= lock.keys() and not names & tools
    environment = yaml.safe_load((repository / "envs" / "unmuted.yaml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert _pins(pip) == {name: lock[name] for name in names - WORKFLOW}


def test_lock_has_nothing_that_only_this_machine_could_install(repository: Path) -> None:
    lines = (repository / "requirements.lock").read_text().splitlines()
    assert all(re.fullmatch(r"#.*|[A-Za-z0-9_.-]+==[A-Za-z0-9.+!]+", line) for line in lines)
