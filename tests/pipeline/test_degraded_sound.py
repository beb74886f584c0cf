"""The features of degraded sound: every level of every tested clip, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unmuted.engine.executor import Artifact, Task
from unmuted.engine.ledger import OK, LedgerEntry
from unmuted.pipeline.jobs import degraded_sound

MISSING = {"seed": 0, "lost_shares": [0, 0.5, 1], "snr_db": [0]}
SOUNDS = {"a": np.full(1800, 1000, np.int16), "b": np.full(900, -300, np.int16)}


def task(name: str) -> Task:
    row = LedgerEntry(name, OK, "", "", f"digest of {name}", 0, 0.0)
    return Task(name, "", {"wav": Artifact(Path(f"{name}.wav"), row)})


@pytest.fixture(autouse=True)
def level_for_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for AST: the only feature of a time step is the loudest sample."""

    def features(
        tasks: Sequence[Task], job: object, sounds_of: Callable
    ) -> Iterator[tuple[str, SimpleNamespace, None]]:
        for one in tasks:
            for sound in sounds_of(one):
                steps = np.abs(sound.reshape(18, -1).astype(int)).max(axis=1)
                yield one.name, SimpleNamespace(tokens=np.float32(steps)[:, None]), None

    monkeypatch.setattr(degraded_sound, "sound_features", features)
    monkeypatch.setattr(degraded_sound, "own_sound", lambda task: SOUNDS[task.name])


def test_every_level_of_a_clip_is_in_its_artifact() -> None:
    job = SimpleNamespace(config={"missing": MISSING, "clips": {"fps": 6, "seconds": 3}})
    is_tested = {"a": True, "b": True, "c": False}
    results = degraded_sound.extract([task(name) for name in "cab"], job, is_tested)
    found = {one.name: one.payload for one in results}
    assert found["c"] is None
    for name, peak in (("a", 1000), ("b", 300)):
        whole, half, none, noisy = found[name]["tokens"][..., 0]
        lost = found[name]["lost_steps"].astype(bool)
        assert (whole == peak).all() and (none == 0).all() and not lost[0].any() and lost[2].all()
        assert (half == 0).sum() in (8, 9)  # of 18 steps, those without any sound left
        assert lost[1].sum() in (9, 10) and not half[lost[1]].all()
        assert noisy.max() > 1.5 * peak and not lost[3].any()
        assert found[name]["replaced"].max() == pytest.approx(peak * 3**0.5, rel=0.05)
