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
from unmuted.dataset.events import (
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
    f_by_threshold,
    reel_threshold,
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
    worlds = [random_world(seed) for seed in range(200)]
    for world, theirs in zip(worlds, reference_scores(worlds), strict=True):
        assert_equal(our_scores(world), theirs)


def test_a_resample_is_as_if_its_matches_were_given_so_often() -> None:
    for seed in range(40):
        world = random_world(seed)
        times = np.random.default_rng(seed).integers(0, 4, size=(3, len(world.matches)))
        times[:, 0] += 1  # none is empty
        counts = count_spots(world.matches, world.kinds)
        for metric in ("tight", "loose"):
            drawn = average_map(counts, metric, times)
            for row, result in zip(times, drawn, strict=True):
                given = [m for m, n in zip(world.matches, row, strict=True) for _ in range(n)]
                direct = average_map(count_spots(given, world.kinds), metric)[0]
                np.testing.assert_array_equal(result, direct)


def test_a_thousand_resamples_of_40_halves_take_at_most_a_second() -> None:
    rng = np.random.default_rng(0)
    kinds = ("Goal", "Penalty", "Shots on target", "Shots off target")

    def time_of() -> int:
        return int(rng.integers(0, 90_000))

    matches = [
        (
            [Event(1 + i % 2, time_of(), kinds[i % 4]) for i in range(12)],
            [Spot(1 + i % 2, time_of(), kinds[i % 4], float(rng.random())) for i in range(60)],
        )
        for _ in range(20)
    ]
    counts = count_spots(matches, kinds)
    draws = rng.multinomial(20, np.full(20, 1 / 20), size=1000)
    start = time.process_time()
    drawn = average_map(counts, "tight", draws)
    taken = time.process_time() - start
    assert drawn.shape == (1000, len(VIEWS))
    assert taken < 2.5  # a second on a machine with nothing else to do


moments = st.tuples(st.sampled_from([1, 2]), st.integers(0, 8_000_000))


@given(st.lists(st.tuples(moments, st.booleans()), min_size=1, max_size=12), st.floats(0.01, 9))
@settings(max_examples=60)
def test_finding_every_event_at_its_time_is_perfect(marks: list, score: float) -> None:
    # With equal scores: an event close to another takes the better spot, even if it is the other's.
    events = [Event(half, time, "Goal", shown) for (half, time), shown in marks]
    spots = [Spot(event.half, event.milliseconds, "Goal", score) for event in events]
    counts = count_spots([(events, spots)], ["Goal"])
    for metric in METRICS:
        assert average_map(counts, metric)[0, 0] == pytest.approx(1)


def test_moving_all_spots_by_a_minute_loses_what_was_found() -> None:
    events = [Event(1, 200_000 * i, "Goal") for i in range(1, 10)]
    late = [Spot(1, event.milliseconds + 60_500, "Goal", 0.9) for event in events]
    counts = count_spots([(events, late)], ["Goal"])
    assert average_map(counts, "loose")[0, 0] == 0


def test_a_time_before_the_half_is_refused() -> None:
    with pytest.raises(ValueError, match="before the start"):
        count_spots([([Event(1, -1, "Goal")], [])], ["Goal"])


def test_any_kind_scores_when_and_not_what() -> None:
    events = [Event(1, 5_000, "Goal"), Event(1, 60_000, "Penalty", is_shown=False)]
    spots = [
        Spot(1, 5_000, "Penalty", 0.4),
        Spot(1, 5_000, "Goal", 0.2),
        Spot(1, 60_000, "Goal", 0.9),
    ]
    assert spots_of_any_kind(spots) == [
        Spot(1, 5_000, ANY_KIND, 0.4),
        Spot(1, 60_000, ANY_KIND, 0.9),
    ]
    merged = events_of_any_kind(events), spots_of_any_kind(spots)
    assert average_map(count_spots([merged], [ANY_KIND]), "at1")[0, 0] == 1
    assert average_map(count_spots([(events, spots)], ["Goal", "Penalty"]), "at1")[0, 0] < 1


def test_f1_and_its_best_threshold() -> None:
    events = [Event(1, 10_000 * i, "Goal") for i in range(1, 5)]
    spots = [Spot(1, 10_000 * i, "Goal", 0.8) for i in range(1, 4)]
    spots += [Spot(2, 10_000 * i, "Goal", 0.3) for i in range(1, 7)]
    counts = count_spots([(events, spots)], ["Goal"])
    f1 = f_by_threshold(counts, 5)
    assert f1[0] == 2 * 3 / (9 + 4)
    assert f1[100] == 2 * 3 / (3 + 4)
    assert f1[-1] == 0
    best = best_threshold(counts, 5)
    assert 0.54 < best < 0.56  # amid 0.3 and 0.8: the farthest from either
    assert best in THRESHOLDS


def test_recall_counts_twice_for_a_reel_and_the_lowest_of_equal_thresholds_is_its_own() -> None:
    events = [Event(1, 10_000 * i, "Goal") for i in range(1, 5)]
    spots = [Spot(1, 10_000 * i, "Goal", 0.8) for i in range(1, 3)]
    spots += [Spot(1, 10_000 * i, "Goal", 0.3) for i in range(3, 5)]
    spots += [Spot(2, 10_000 * i, "Goal", 0.4) for i in range(1, 6)]
    counts = count_spots([(events, spots)], ["Goal"])
    f2 = f_by_threshold(counts, 5, beta=2)
    assert f2[20] == 5 * 4 / (9 + 4 * 4) and f2[120] == 5 * 2 / (2 + 4 * 4)
    assert 0.4 < best_threshold(counts, 5) < 0.8  # F1 is 8/13 with all spots, 2/3 with two
    assert reel_threshold(counts, 5) == 0


def test_f1_of_nothing_is_zero() -> None:
    assert (f_by_threshold(count_spots([([], [])], ["Goal"]), 5) == 0).all()
