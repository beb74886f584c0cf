"""The three lists of what the project needs say the same."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

WORKFLOW = {"snakemake", "snakemake-executor-plugin-slurm"}


DIGEST = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
PIN = re.compile(r"([A-Za-z0-9_.-]+)==([A-Za-z0-9.+!]+)( ; [a-z0-9_ '.=<>()!]+)? \\", re.IGNORECASE)
LOCKS = ("requirements", "requirements-pip", "requirements-audit", "docs/requirements")


def _pins(lines: list[str]) -> dict[str, str]:
    pairs = (re.split("==| ", line)[:2] for line in lines if "==" in line and line[0].isalnum())
    return {_name(name): version.strip() for name, version in pairs}


def _names(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {_name(line) for line in lines if line.strip() and not line.startswith("#")}


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9_.-]+", text.strip()).group()).lower()


def _needs(name: str) -> set[str]:
    """What an installed package needs here."""
    needed = map(Requirement, metadata.requires(name) or [])
    return {
        _name(one.name)
        for one in needed
        if one.marker is None or one.marker.evaluate({"extra": ""})
    }


def test_conda_environment_pins_what_the_lock_pins_and_all_that_it_needs(repository: Path) -> None:
    lock = _pins((repository / "requirements.lock").read_text().splitlines())
    names, tools = (_names(repository / f"requirements{kind}.txt") for kind in ("", "-dev"))
    assert names | tools <= lock.keys() and not names & tools
    environment = yaml.safe_load((repository / "envs" / "unmuted.yaml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    others = [item for item in environment["dependencies"] if isinstance(item, str)]
    assert all(re.fullmatch(r"\w+ =[0-9.]+", item) for item in others)
    pins = _pins(pip)
    assert len(pins) == len(pip) and pins.items() <= lock.items()
    assert names - WORKFLOW <= pins.keys()
    if sys.platform == "linux":
        assert {needed for name in pins for needed in _needs(name)} <= pins.keys()


@pytest.mark.parametrize("name", LOCKS)
def test_locks_have_digests_and_nothing_that_only_this_machine_could_install(
    repository: Path, name: str
) -> None:
    lines = (repository / f"{name}.lock").read_text().splitlines()
    assert lines
    for line, following in pairwise([*lines, ""]):
        assert PIN.fullmatch(line) or DIGEST.fullmatch(line), line
        if line.endswith("\\"):
            assert DIGEST.fullmatch(following), line


def test_pip_compares_the_digests(repository: Path) -> None:
    """Every call of pip in the Makefile, but those that install no package of a registry."""
    text = (repository / "Makefile").read_text()
    calls = [line for line in text.splitlines() if "pip install" in line and line[0] != "#"]
    assert len(calls) == 5
    for call in calls:
        assert "--require-hashes" in call or "--no-deps --no-build-isolation --editable ." in call


def test_the_lock_pins_pip_and_what_builds(repository: Path) -> None:
    lock = _pins((repository / "requirements-pip.lock").read_text().splitlines())
    assert lock.keys() == {"pip", "setuptools"}
    everything = _pins((repository / "requirements.lock").read_text().splitlines())
    assert lock["setuptools"] == everything["setuptools"]
