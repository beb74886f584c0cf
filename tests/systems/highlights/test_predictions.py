"""Predictions as results_spotting.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unmuted.dataset.events import KINDS, Spot
from unmuted.errors import UserError
from unmuted.systems.highlights.predictions import (
    Predictions,
    predictions_text,
    read_predictions,
)

GOAL = {
    "gameTime": "1 - 05:29",
    "label": "Goal",
    "position": "329650",
    "half": "1",
    "confidence": "0.25",
}


def read(folder: Path, *predictions: object) -> Predictions:
    path = folder / "results_spotting.json"
    path.write_text(json.dumps({"UrlLocal": "x", "predictions": predictions}), encoding="utf-8")
    return read_predictions(path)


def test_reads_numbers_and_numbers_in_text(tmp_path: Path) -> None:
    numbers = {"label": "Goal", "position": 329_650, "half": 2, "confidence": 1}
    found = read(tmp_path, numbers, GOAL, {**GOAL, "label": "Flare"}, GOAL)
    first = Spot(1, 329_650, "Goal", 0.25)
    assert found.spots == (Spot(2, 329_650, "Goal", 1.0), first, first)  # in the file's order
    assert found.unknown == {"Flare": 1}


@pytest.mark.parametrize(
    ("key", "values"),
    {
        "half": (0, 3, "first", None, 1.0, True, [1], "1 2", 10**30),
        "position": (-1, "-5", "", 1.5, None, True, "9" * 10, 10**30, {}),
        "confidence": ("nan", "inf", "", "high", None, True, [0.5], 10**400, "1" * 50, "٣"),
        "label": ("", " ", 3, None, "x" * 201),
    }.items(),
)
def test_refuses_other_values(tmp_path: Path, key: str, values: tuple) -> None:
    for value in values:
        with pytest.raises(UserError, match=rf"prediction 2: (expected a label|{key}: expected)"):
            read(tmp_path, GOAL, {**GOAL, key: value})
    if key != "label":
        with pytest.raises(UserError, match=rf"{key}: expected .*, found none"):
            read(tmp_path, {name: value for name, value in GOAL.items() if name != key})


def test_says_what_it_expected_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "results_spotting.json"
    path.write_text('{"annotations": []}', encoding="utf-8")
    with pytest.raises(UserError, match="a list 'predictions', found the keys annotations"):
        read_predictions(path)


def test_a_score_that_is_no_number_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        predictions_text([Spot(1, 0, "Goal", float("nan"))], "game")


@given(
    st.lists(
        st.builds(
            Spot,
            st.integers(1, 2),
            st.integers(0, 10**8),
            st.sampled_from(KINDS),
            st.floats(0, 1),
        )
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_to_the_bit(tmp_path: Path, spots: list[Spot]) -> None:
    path = tmp_path / "results_spotting.json"
    path.write_text(predictions_text(spots, "league/season/game"), encoding="utf-8")
    assert read_predictions(path) == Predictions(tuple(spots), {})
