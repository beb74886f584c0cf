"""Random matches with all that a metric can stumble over, and hand-made ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmuted.dataset.events import Event, Spot

KINDS = ("Goal", "Penalty", "Corner")
METRICS = ("loose", "tight", "at1", "at2", "at3", "at4", "at5")


@dataclass(frozen=True)
class World:
    kinds: tuple[str, ...]
    matches: tuple[tuple[tuple[Event, ...], tuple[Spot, ...]], ...]


def random_world(seed: int) -> World:
    """1 to 3 matches, from crowded to empty, most with ties, duplicates and strange scores."""
    rng = np.random.default_rng([seed, 18])
    kinds = KINDS[: rng.integers(1, 4)]
    length = int(rng.choice([3_000, 20_000, 120_000, 2_700_000, 7_400_000]))  # milliseconds
    known = [*kinds, "Foul"] if rng.random() < 0.3 else list(kinds)  # Foul is never scored
    halves = [1, 2, 3] if rng.random() < 0.2 else [1, 2]
    matches = tuple(_random_match(rng, known, halves, length) for _ in range(rng.integers(1, 4)))
    return World(kinds, matches)


def _random_match(
    rng: np.random.Generator, kinds: list[str], halves: list[int], length: int
) -> tuple[tuple[Event, ...], tuple[Spot, ...]]:
    grid = int(rng.choice([1, 250, 500, 1000, 5000]))  # coarse ones make ties and duplicates
    unshown = rng.choice([0.0, 0.3, 0.7, 1.0])
    scored = _scores(rng)
    events = tuple(
        Event(
            _one(rng, halves), _time(rng, grid, length), _one(rng, kinds), rng.random() >= unshown
        )
        for _ in range(rng.choice([0, 1, 3, 10, 30]))
    )
    spots = [
        Spot(_one(rng, halves), _time(rng, grid, length), _one(rng, kinds), scored())
        for _ in range(rng.choice([0, 1, 5, 20, 60]))
    ]
    for event in events:  # near to the truth, so that there is something to find
        if rng.random() < 0.7:
            near = event.milliseconds + int(rng.choice([1000, 5000, 30_000]) * rng.normal())
            spots.append(Spot(event.half, max(near, 0), event.kind, scored()))
    return events, tuple(spots[i] for i in rng.permutation(len(spots)))


def _scores(rng: np.random.Generator):
    return (
        lambda: float(rng.random()),
        lambda: float(rng.integers(0, 4)) / 3,  # ties, 0 and 1
        lambda: float(rng.integers(0, 200)) / 199,  # on the thresholds
        lambda: float(rng.normal() * 3),  # negative ones, and above 1
        lambda: float(rng.random() / 300),  # below the second threshold
    )[rng.integers(5)]


def _one(rng: np.random.Generator, options: list):
    return options[rng.integers(len(options))]


def _time(rng: np.random.Generator, grid: int, length: int) -> int:
    return int(rng.integers(0, length) // grid * grid)


def odd_worlds() -> dict[str, World]:
    """Small cases in which a metric that is nearly right differs from the package's."""
    goal = ("Goal",)

    def one(events: list[Event], spots: list[Spot], kinds: tuple[str, ...] = goal) -> World:
        return World(kinds, ((tuple(events), tuple(spots)),))

    def at(*times: int, kind: str = "Goal", half: int = 1, shown: bool = True) -> list[Event]:
        return [Event(half, time, kind, shown) for time in times]

    def spot(time: int, score: float, kind: str = "Goal", half: int = 1) -> Spot:
        return Spot(half, time, kind, score)

    return {
        "nothing": one([], [], KINDS),
        "no spot": one(at(5_000), []),
        "no event": one([], [spot(5_000, 0.5)]),
        "perfect unshown": one(at(5_000, shown=False), [spot(5_000, 0.9)]),
        "kind without an event": one(at(5_000), [spot(5_000, 0.9)], ("Goal", "Penalty")),
        "just within one second": one(at(5_499), [spot(6_499, 0.9)]),
        "just beyond one second": one(at(5_499), [spot(6_500, 0.9)]),
        "equal scores, the earlier is taken": one(
            at(5_000, 7_000), [spot(4_500, 0.5), spot(5_500, 0.5), spot(8_500, 0.4)]
        ),
        "the first event takes the better spot of the second": one(
            at(10_000, 12_000), [spot(9_000, 0.4), spot(11_000, 0.9)]
        ),
        "two events in half a second": one(
            [*at(5_000), *at(5_499, shown=False)], [spot(5_000, 0.9), spot(5_200, 0.3)]
        ),
        "a later spot of the same frame replaces a better one": one(
            at(5_000), [spot(5_000, 0.9), spot(5_100, 0.2)]
        ),
        "a later negative score removes the spot": one(
            at(5_000), [spot(5_000, 0.9), spot(5_100, -0.2)]
        ),
        "scores of 0, 1 and above 1": one(
            at(5_000, 50_000, 90_000), [spot(5_000, 0.0), spot(50_000, 1.0), spot(90_000, 7.5)]
        ),
        "scores on one threshold": one(
            at(5_000, 50_000), [spot(5_000, 0.001), spot(30_000, 0.004), spot(50_000, 0.002)]
        ),
        "weaker second detection after full recall": one(
            at(5_000), [spot(5_000, 0.9), spot(6_000, 0.5)]
        ),
        "nearest event is another's": one(
            [*at(5_000), *at(9_000, shown=False)],
            [spot(7_500, 0.9), spot(6_500, 0.8), spot(100_000, 0.3)],
        ),
        "neighbours on the grid": one(
            [*at(5_000), *at(5_500, shown=False), *at(6_000)],
            [spot(5_000, 0.9), spot(5_500, 0.8), spot(6_000, 0.7)],
        ),
        "on the border of two neighbours, rounded down": one(
            [*at(5_000), *at(6_500, shown=False)], [spot(5_500, 0.9), spot(20_000, 0.5)]
        ),
        "halfway between two neighbours": one(
            [*at(5_000), *at(7_000, shown=False)], [spot(6_000, 0.9), spot(1_000, 0.5)]
        ),
        "scores between the same two thresholds": one(
            at(5_000), [spot(5_000, 0.501), spot(50_000, 0.499)]
        ),
        "half without an event": one(at(5_000), [spot(5_000, 0.5), spot(5_000, 0.9, half=2)]),
        "third half": one(
            [*at(5_000), *at(5_000, half=3)], [spot(5_000, 0.5), spot(5_000, 0.9, half=3)]
        ),
        "beyond two hours": one(
            at(7_199_900, 9_000_000, shown=False), [spot(7_300_000, 0.9), spot(7_199_000, 0.4)]
        ),
        "first and last moment": one(at(0, 7_199_500), [spot(0, 0.3), spot(7_199_999, 0.6)]),
        "crowded": one(
            [Event(1 + i % 2, i * 79_190 % 2_700_000, KINDS[i % 3], i % 5 > 0) for i in range(60)],
            [
                Spot(
                    1 + i % 2, i * 79_190 % 2_700_000 + i * i % 17 * 700, KINDS[i % 3], i % 41 / 40
                )
                for i in range(90)
            ],
            KINDS,
        ),
        "two matches": World(
            KINDS,
            (
                (
                    (*at(5_000, 60_000), *at(9_000, kind="Penalty", shown=False)),
                    (spot(5_400, 0.7), spot(61_000, 0.6), spot(9_000, 0.2, "Penalty")),
                ),
                (
                    (*at(40_000, half=2, shown=False), *at(41_000, kind="Corner")),
                    (spot(42_000, 0.65, half=2), spot(41_000, 0.8, "Corner"), spot(1_000, 0.7)),
                ),
            ),
        ),
    }
