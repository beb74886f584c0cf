"""Partitions of seeds: every seed in one of them, under names that files can have."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.engine.seeds import (
    PATTERN,
    name_of_fit,
    parse_fit,
    partition_name,
    partition_seeds,
)
from unmuted.engine.store import fits_of_seeds

seeds = st.lists(st.integers(0, 2**63 - 1), unique=True, min_size=1, max_size=120)
sizes = st.none() | st.integers(1, 200)
fits = st.from_regex(r"[a-z0-9_.-]{1,30}", fullmatch=True)


@given(seeds, sizes)
def test_partitions_hold_every_seed_once_and_in_order(seeds, per_job) -> None:
    parts = partition_seeds(seeds, per_job)
    assert [seed for part in parts.values() for seed in part] == seeds
    assert all(len(part) <= (per_job or len(seeds)) for part in parts.values())
    assert len(parts) == -(-len(seeds) // (per_job or len(seeds)))


@given(seeds, sizes)
def test_names_are_safe_short_and_say_what_is_in_them(seeds, per_job) -> None:
    for name, part in partition_seeds(seeds, per_job).items():
        assert name == partition_name(part)
        assert re.fullmatch(PATTERN, name)  # which Snakemake finds in paths
        assert len(name) <= 80


@given(seeds, seeds)
def test_other_seeds_have_other_names(one, other) -> None:
    """Also where the name lists the first and the last alone: the order counts too."""
    assert (partition_name(one) == partition_name(other)) == (one == other)
    assert (partition_name(one) == partition_name(one[::-1])) == (len(one) == 1)


@pytest.mark.parametrize(
    ("per_job", "names"),
    [
        (None, ["seeds-0-1-2-3-4"]),
        (9, ["seeds-0-1-2-3-4"]),
        (2, ["seeds-0-1", "seeds-2-3", "seed-4"]),
        (1, ["seed-0", "seed-1", "seed-2", "seed-3", "seed-4"]),
    ],
)
def test_names_of_the_usual_partitions(per_job: int | None, names: list[str]) -> None:
    """They stay: another name would move what every finished run has."""
    assert list(partition_seeds([0, 1, 2, 3, 4], per_job)) == names


def test_many_seeds_are_named_by_the_first_the_last_and_a_digest() -> None:
    assert partition_name(range(100)) == "seeds-0-to-99-" + partition_name(range(100))[-8:]


@given(st.integers(0, 2**63 - 1), fits)
def test_a_fit_is_read_back_from_its_name(seed: int, fit: str) -> None:
    assert parse_fit(name_of_fit(seed, fit)) == (seed, fit)


@pytest.mark.parametrize("name", ["all", "full", "without-fold-3", "seed-x.full", "seed-3", "a.b"])
def test_other_names_have_no_seed(name: str) -> None:
    assert parse_fit(name) == (None, name)


def test_fits_of_several_seeds_are_one_mapping() -> None:
    found = fits_of_seeds({0: {"full": "a", "x": "b"}, 7: {"full": "c"}})
    assert found == {"seed-0.full": "a", "seed-0.x": "b", "seed-7.full": "c"}
