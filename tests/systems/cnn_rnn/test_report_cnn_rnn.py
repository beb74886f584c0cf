"""The report of the CNN-RNN recogniser: classes, what it learnt from, and the guess beside it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import recall_score

from unmuted.evaluation.bootstrap import draw_groups
from unmuted.evaluation.outcomes import ArmOutcome, EvaluationClips
from unmuted.evaluation.schema import check_report
from unmuted.evaluation.table import format_report
from unmuted.systems.cnn_rnn.report import build_report, majority

SCHEMA = "cnn_rnn_metrics.schema.yaml"
SEEDS, CLIPS = 5, 60
CLASSES = ["a", "b", "c"]


def outcome(labels: np.ndarray, chance: float) -> ArmOutcome:
    rng = np.random.default_rng(0)
    right = rng.random((SEEDS, len(labels))) < chance
    said = np.where(right, labels, (labels + 1) % len(CLASSES))
    return ArmOutcome(
        np.float32(np.eye(len(CLASSES))[said]), {"train": "none", "test": "none"}, [2] * SEEDS
    )


def report(labels: np.ndarray, train: list[int]) -> dict:
    return build_report(
        data={
            "classes": CLASSES,
            "train": 9,
            "val": 9,
            "test": len(labels),
            "groups": 50,
            "excluded": {},
            "classes_without_test_clips": [],
        },
        clips=EvaluationClips(
            labels,
            np.ones(len(labels), bool),
            draw_groups([str(n // 2) for n in range(len(labels))], 500, 0, seeds=SEEDS),
        ),
        outcome=outcome(labels, 0.8),
        class_counts={"train": train, "val": [0, 3, 9]},
        training={
            "split": "sorted_tail",
            "parameters": 99_909,
            "sequence_length": 20,
            "sampling": "first",
            "mean_frames": 20.0,
            "log_losses": [[1.0, 0.5]] * SEEDS,
        },
        provenance={
            "models": {"vit": {"id": "tiny", "revision": "a/b@abc", "dtype": "float32"}},
            "config_sha256": "0" * 64,
            "versions": {"torch": "2.15"},
            "seeds": list(range(SEEDS)),
        },
    )


def test_each_class_has_its_clips_and_the_recall_of_scikit_learn() -> None:
    labels = np.arange(CLIPS) % len(CLASSES)
    found = report(labels, [12, 6, 0])
    check_report(found, SCHEMA)
    said = outcome(labels, 0.8).probabilities.argmax(axis=2)
    expected = np.mean([recall_score(labels, one, average=None) for one in said], axis=0)
    assert [one["recall"]["mean"] for one in found["classes"]] == pytest.approx(expected)
    assert [one["train"] for one in found["classes"]] == [12, 6, 0]
    assert [one["val"] for one in found["classes"]] == [0, 3, 9]
    assert (found["training"]["train"], found["training"]["val"]) == (18, 12)


def test_classes_that_nothing_was_learnt_of_are_named() -> None:
    labels = np.arange(CLIPS) % len(CLASSES)
    assert report(labels, [12, 6, 0])["training"]["starved_classes"] == ["c"]
    assert report(labels, [6, 6, 6])["training"]["starved_classes"] == []


def test_a_class_without_test_clips_has_no_recall() -> None:
    found = report(np.arange(CLIPS) % 2, [6, 6, 6])
    check_report(found, SCHEMA)
    assert found["classes"][2]["recall"] is None


def test_the_guess_is_the_most_frequent_class_of_the_training_clips() -> None:
    labels = np.arange(CLIPS) % len(CLASSES)
    found = report(labels, [3, 9, 6])
    guess = found["arms"]["majority"]
    assert guess["accuracy"]["mean"] == pytest.approx((labels == 1).mean())
    contrast = found["contrasts"]["cnn_rnn-majority"]
    gain = found["arms"]["cnn_rnn"]["accuracy"]["mean"] - guess["accuracy"]["mean"]
    assert contrast["delta"] == pytest.approx(gain) and contrast["primary"]
    probabilities = majority([3, 9, 6], outcome(labels, 0.8)).probabilities
    assert probabilities.shape == (SEEDS, CLIPS, 3)
    assert probabilities[0, 0] == pytest.approx([3 / 18, 9 / 18, 6 / 18])


def test_the_table_for_the_terminal_says_what_was_found() -> None:
    shown = format_report(report(np.arange(CLIPS) % len(CLASSES), [12, 6, 0]))
    assert "cnn_rnn" in shown and "majority" in shown
    assert "no training clip: c" in shown
    assert "The CNN-RNN is better than always saying the most frequent class" in " ".join(
        shown.split()
    )
