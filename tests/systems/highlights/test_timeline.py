"""The timeline of a match: what is drawn, and the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unmuted.evaluation.figures.style import save
from unmuted.systems.highlights.timeline import Panel, draw_timeline, stretches, thinned

pytestmark = pytest.mark.unit
KINDS = ("Goal", "Penalty $x$")


def panel(steps: int = 500, **changes) -> Panel:
    rng = np.random.default_rng(1)
    fields = {
        "title": "half 1",
        "rate": 5.0,
        "scores": rng.random((steps, 2)),
        "valid": np.ones(steps, bool),
        "level_db": rng.uniform(-60, -10, steps),
        "has_sound": np.ones(steps, bool),
        "segments": [(10.0, 23.0)],
        "truths": [(18.0, "Goal", True), (60.0, "Penalty $x$", False)],
    }
    return Panel(**(fields | changes))


def test_a_line_with_fewer_points_keeps_its_peaks_and_gaps() -> None:
    values = np.zeros(13_500)
    values[[7, 9_001]] = 0.9, 0.8
    valid = np.ones(13_500, bool)
    valid[3_000:3_500] = False
    steps, kept = thinned(values, 2_000, valid)
    assert len(steps) <= 2_000
    assert set(steps[np.flatnonzero(kept > 0)]) == {7, 9_001}
    gap = steps[np.isnan(kept)]
    assert gap.min() >= 3_000
    assert gap.max() < 3_500
    assert len(gap) > 60


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_short_lines_stay_as_they_are(steps: int) -> None:
    values = np.arange(steps, dtype=float)
    numbers, kept = thinned(values, 2_000, np.ones(steps, bool))
    assert (numbers == np.arange(steps)).all()
    assert (kept == values).all()


def test_stretches_have_a_start_and_an_end() -> None:
    mask = np.array([True, True, False, True, False, False, True])
    assert stretches(mask) == [(0, 2), (3, 4), (6, 7)]
    assert stretches(np.zeros(4, bool)) == []
    assert stretches(np.ones(4, bool)) == [(0, 4)]


def test_each_recording_has_a_panel_with_its_reel_truths_and_missing_stretches() -> None:
    broken = np.ones(500, bool)
    broken[100:200] = False
    silent = np.zeros(500, bool)
    second = panel(title="half 2", valid=broken, has_sound=silent, truths=None, segments=[])
    figure = draw_timeline("A - B", "both", KINDS, [panel(), second])
    assert "both" in figure.get_suptitle()
    first_axis, second_axis = figure.axes
    hatches = [patch.get_hatch() for patch in second_axis.patches]
    assert hatches == ["///", "\\\\\\"]
    assert second_axis.patches[0].get_x() == 20.0
    assert not first_axis.patches
    ticks = [line for line in first_axis.lines if line.get_ydata()[0] > 1]
    assert [line.get_xdata()[0] for line in ticks] == [18.0, 60.0]
    assert [line.get_linestyle() for line in ticks] == ["-", ":"]
    (bars,) = (one for one in first_axis.collections if len(one.get_paths()[0].vertices) == 5)
    assert bars.get_paths()[0].vertices[:, 0].tolist()[:2] == [10.0, 10.0]
    assert not [line for line in second_axis.lines if line.get_ydata()[0] > 1]


def test_equal_matches_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        figure = draw_timeline("A / B: 'x' $y$", "arm", KINDS, [panel(), panel()], "no reel")
        save(figure, tmp_path / f"{name}.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert image.width == 1800


def test_an_empty_and_a_very_short_recording_are_drawn(tmp_path: Path) -> None:
    short = [panel(0, scores=np.zeros((0, 2))), panel(1, segments=[(0.0, 0.2)])]
    save(draw_timeline("m", "loudness", KINDS, short), tmp_path / "short.png")
    assert (tmp_path / "short.png").stat().st_size > 0
