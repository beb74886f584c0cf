"""Silent clips get no features, and their model is not loaded for them alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.ledger import OK, LedgerEntry
from unmuted.features.silent import split_silent
from unmuted.pipeline.jobs import ast, degraded_sound

MISSING = {"seed": 0, "lost_shares": [1], "snr_db": [0]}
JOB = SimpleNamespace(config={"missing": MISSING, "clips": {"fps": 6, "seconds": 3}})  # no model
degraded = partial(degraded_sound.extract, is_tested={"a": True, "b": False})


def task(name: str, status: str) -> Task:
    row = LedgerEntry(name, status, "level -80 dB", "", "", 0, 0.0)
    return Task(name, "", {"wav": Artifact(Path(f"{name}.wav"), row)})


def test_silent_clips_are_parted_from_those_that_sound() -> None:
    tasks = [task("a", OK), task("b", "silent"), task("c", OK)]
    silent, sounding = split_silent(tasks)
    assert silent == [Result("b", None, "silent", "level -80 dB")]
    assert sounding == [tasks[0], tasks[2]]


@pytest.mark.parametrize("extract", [ast.extract, degraded])
def test_no_model_is_loaded_for_silent_clips_alone(extract: Callable) -> None:
    """There is no job to take a model from."""
    made = list(extract([task("a", "silent")], JOB))
    assert made == [Result("a", None, "silent", "level -80 dB")]


def test_no_model_is_loaded_for_training_clips_alone() -> None:
    """No classifier is tested on them, so that nobody asks what losing their sound costs."""
    (made,) = degraded([task("b", OK)], JOB)
    assert (made.name, made.status) == ("b", "untested")
