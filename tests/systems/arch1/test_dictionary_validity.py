"""Whether the dictionary's words know the actions, beside dictionaries of unrelated words."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from unmuted.evaluation.bootstrap import draw_groups
from unmuted.samples.experiment import Clip
from unmuted.samples.sample import Sample
from unmuted.systems.arch1.dictionary_validity import describe_dictionary

CLASSES, LABELS, NULLS, SEEDS, PER_CLASS = 4, 6, 20, 2, 15
SETTINGS = {
    "mode": "percentile",
    "percentiles": [40],
    "uniform_threshold": 0.7,
    "expectation": "max",
    "top_labels": 1,
}


@dataclass(frozen=True)
class Tensors:
    arrays: dict[str, np.ndarray]

    def tensors(self) -> dict[str, np.ndarray]:
        return self.arrays


def clip(number: int, split: str, rng: np.random.Generator, has_sound: bool = True) -> Clip:
    """A clip of class i in which label i sounds; the generated audio often has it too."""
    label = number % CLASSES
    scores = rng.random(LABELS) / 10
    scores[label] = 0.9
    predicted = rng.random((SEEDS, LABELS)) / 10
    predicted[:, label if number % 3 else (label + 1) % LABELS] = 0.8
    artifacts = {
        "predicted_labels": Tensors({"scores": predicted}),
        "video_posterior": Tensors({"probabilities": np.full((SEEDS, CLASSES), 1 / CLASSES)}),
    }
    if has_sound:
        artifacts["ast"] = Tensors({"scores": scores})
    name = f"{split} {number}"
    return Clip(Sample.of_video(name, str(label)), split, name, name, artifacts)


def described(actions: np.ndarray, silent: bool = False) -> dict:
    """The lines of a report for a dictionary with these action vectors (C, E)."""
    rng = np.random.default_rng(0)
    nulls = rng.normal(size=(NULLS, CLASSES, LABELS))
    nulls /= np.linalg.norm(nulls, axis=2, keepdims=True)
    words = {"actions": actions, "labels": np.eye(LABELS), "null_actions": nulls}
    count = CLASSES * PER_CLASS
    val, test = (
        [clip(n, split, rng, not silent and n % 7 > 0) for n in range(count)]
        for split in ("val", "test")
    )
    tested = SimpleNamespace(
        clips=test,
        labels=np.array([int(c.label) for c in test]),
        experiment=SimpleNamespace(split={"val": val}.__getitem__),
        bootstrap=draw_groups([c.group for c in test], 200, 0, SEEDS),
    )
    job = SimpleNamespace(config={"filter": SETTINGS}, fits=lambda _: {"all": Tensors(words)})
    return describe_dictionary(job, tested, 40)


def test_a_dictionary_that_knows_the_actions_is_above_all_others() -> None:
    found = described(np.eye(LABELS)[:CLASSES])["validity"]
    with_sound = sum(n % 7 > 0 for n in range(CLASSES * PER_CLASS))
    assert found["clips"] == with_sound
    assert found["chance"] == pytest.approx(1 / CLASSES, abs=0.002)
    assert found["share"] == 1.0 > found["nulls"]["highest"]
    assert found["status"] == "ok" and found["ci95"][0] > 0.9
    assert found["p"] == pytest.approx(1 / (NULLS + 1))
    assert 0.1 < found["nulls"]["mean"] < 0.45


def test_a_dictionary_that_knows_nothing_is_one_of_the_nulls() -> None:
    actions = np.roll(np.eye(LABELS)[:CLASSES], 1, axis=0)  # each action has another one's words
    found = described(actions)["validity"]
    assert found["share"] == 0.0 and found["p"] == 1.0
    assert found["status"] == "ALARM"


def test_decisions_are_compared_with_those_of_the_null_dictionaries() -> None:
    found = described(np.eye(LABELS)[:CLASSES])["null_dictionaries"]
    assert found["count"] == NULLS
    assert 0 < found["same_decision"] < 1
    agreement = found["kept_clips_that_agree"]
    assert agreement["share"] > agreement["nulls"]["mean"]
    assert 0 < agreement["p"] <= 1


def test_without_sound_nothing_is_said() -> None:
    found = described(np.eye(LABELS)[:CLASSES], silent=True)
    nothing = {"share": None, "nulls": None, "p": None}
    judged = {"chance": None, "ci95": None, "above_chance_ci95": None, "status": None}
    assert found["validity"] == {"clips": 0, **nothing, **judged}
    assert found["null_dictionaries"]["kept_clips_that_agree"] == nothing
