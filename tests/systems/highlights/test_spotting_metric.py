"""The spotting metric: agreement with SoccerNet's package, chance, resamples of matches."""

from __future__ import annotations

import importlib.util
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from systems.highlights.soccernet_reference import GOLDEN, reference_scores
from systems.highlights.worlds import METRICS, World, odd_worlds, random_world

from unmuted.systems.highlights.events import (
    ANY_KIND,
    Event,
    Spot,
    events_of_any_kind,
    spots_of_any_kind,
)
from unmuted.systems.highlights.spotting_metric import (
    THRESHOLDS,
    VIEWS,
    average_map,
    average_precision,
    best_threshold,
    count_spots,
    f1_by_threshold,
)

ODD = odd_worlds()


def our_scores(world: World) -> dict[str, dict]:
    counts = count_spots(world.matches, world.kinds)
    scores = {}
    for metric in METRICS:
        mean = average_map(counts, metric)[0]
        by_kind = average_precision(counts.pooled(), metric)[0]
        scores[metric] = {
            name: value
            for view, name in enumerate(VIEWS)
            for name, value in ((name, mean[view]), (f"{name} by kind", by_kind[view].tolist()))
        }
    return scores


def assert_equal(ours: dict[str, dict], theirs: dict[str, dict]) -> None:
    assert ours.keys() == theirs.keys()
    for metric, values in theirs.items():
        assert ours[metric].keys() == values.keys()
        for name, value in values.items():
            np.testing.assert_allclose(ours[metric][name], value, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ODD)
def test_equals_the_golden_values(name: str) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))["scores"]
    assert golden.keys() == ODD.keys()
    assert_equal(our_scores(ODD[name]), golden[name])


@pytest.mark.skipif(
    importlib.util.find_spec("SoccerNet") is None,
    reason="SoccerNet 0.2.0 is not on the path; soccernet_reference.py says how to have it there",
)
def test_equals_soccernet_on_random_worlds() -> None:
    worlds = [random_world(seed) for seed in range(240)]
    for world, theirs in zip(worlds, reference_scores(worlds), strict=True):
        assert_equal(our_scores(world), theirs)
