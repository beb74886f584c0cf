"""Figures: what is drawn is what was given, texts stay texts, files are reproducible."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from unmuted.evaluation.figures import style
from unmuted.evaluation.figures.arms import ArmAccuracy, accuracy_by_arm
from unmuted.evaluation.figures.confusion import confusion_matrix
from unmuted.evaluation.figures.differences import Difference, differences
from unmuted.evaluation.figures.severity import accuracy_over_severity
from unmuted.evaluation.figures.style import Band, sample_size, save, shorten, spread
from unmuted.evaluation.figures.threshold import threshold_tradeoff
from unmuted.evaluation.figures.training import training_curves

HOSTILE = [
    "$x^2$",
    r"\frac{1}{2} & <b>",
    "barking 🐕",
    "_hidden",
    "100%",
    "a" * 150,
    r"\$1",
    "{x:}",
]
CAPTION = sample_size(412, 398, 5)
SHARES = [0.0, 0.5, 1.0]
RATIOS = [20, 0, -10]
BANDS = "lowest to highest seed"


def arms() -> Figure:
    rows = [
        ArmAccuracy("video_only", 0.41, 0.37, 0.45, [0.40, 0.42]),
        ArmAccuracy("random_features", 0.40, 0.36, 0.44, [0.40, 0.40], "control"),
        ArmAccuracy("generated", 0.48, 0.44, 0.52, [0.47, 0.49]),
        ArmAccuracy("oracle_filter", 0.66, 0.62, 0.70, [0.65, 0.67], "leaks"),
    ]
    return accuracy_by_arm(rows, "video_only", CAPTION, chance=0.1)


def bands(*ends: float) -> dict[str, Band]:
    names = ("video_only", "real_audio", "oracle_filter")
    lines = {name: np.linspace(0.6, end, 3) for name, end in zip(names, ends, strict=True)}
    return {name: Band(line, line - 0.03, line + 0.02) for name, line in lines.items()}


def lost() -> Figure:
    found = bands(0.6, 0.4, 0.65)
    return accuracy_over_severity("lost", SHARES, found, "video_only", CAPTION, ["oracle_filter"])


def noise() -> Figure:
    return accuracy_over_severity("noise", RATIOS, bands(0.6, 0.3, 0.65), "video_only", CAPTION)


def threshold() -> Figure:
    accuracy = {"filtered": Band([0.4, 0.5, 0.45], [0.35, 0.45, 0.4], [0.45, 0.55, 0.5])}
    return threshold_tradeoff([0, 40, 80], {"test": [1, 0.7, 0.1]}, accuracy, 40, BANDS, CAPTION)


def counts() -> np.ndarray:
    table = np.arange(64, dtype=float).reshape(8, 8) / 5
    table[3] = 0
    return table


def confusion() -> Figure:
    return confusion_matrix(counts(), HOSTILE, "generated", CAPTION)


def training() -> Figure:
    runs = {0: [3.0, 2.0, 1.5], 7: [2.5, 1.0, 0.5]}
    return training_curves({"generator": runs, "$c$": runs}, CAPTION, {"generator": {0: 2, 7: 3}})


def difference() -> Figure:
    rows = [
        Difference("filtered-mean_audio", 0.04, 0.01, 0.07, 0.03),
        Difference("generated_arch2-video_only", -0.01, -0.04, 0.02, 1.0),
        Difference("filtered-generated_arch1", 0.2, 0.1, 0.3, 0.01, leaks=True),
    ]
    return differences({"Area": rows, "Largest rate": rows[::-1]}, "Differences", CAPTION)


FIGURES = [arms, lost, noise, threshold, confusion, training, difference]
every_figure = pytest.mark.parametrize("draw", FIGURES)


def svg_texts(path: Path) -> list[str]:
    tree = ElementTree.parse(path)
    return ["".join(e.itertext()) for e in tree.iter("{http://www.w3.org/2000/svg}text")]


def lines_of(figure: Figure, panel: int) -> list[list[float]]:
    return [list(np.asarray(line.get_ydata(), dtype=float)) for line in figure.axes[panel].lines]


@every_figure
def test_files_are_written_and_their_bytes_are_reproducible(
    draw: Callable[[], Figure], tmp_path: Path
) -> None:
    for suffix, start in ((".svg", b"<?xml"), (".png", b"\x89PNG")):
        save(draw(), tmp_path / f"first{suffix}")
        with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "svg.hashsalt": "x"}):
            save(draw(), tmp_path / f"second{suffix}")
        first = (tmp_path / f"first{suffix}").read_bytes()
        assert first.startswith(start)
        assert first == (tmp_path / f"second{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 4


@every_figure
def test_a_figure_says_what_it_shows_and_on_how_much_it_rests(
    draw: Callable[[], Figure], tmp_path: Path
) -> None:
    figure = draw()
    save(figure, tmp_path / "figure.svg")
    texts = svg_texts(tmp_path / "figure.svg")
    joined = " ".join(texts)
    assert figure.get_suptitle().split("\n")[0] in texts
    assert "412 test clips from 398 source groups, 5 seeds." in joined
    labelled = [axis for axis in figure.axes if axis.axison]
    assert any(axis.get_xlabel() for axis in labelled)
    assert any(axis.get_ylabel() or len(axis.get_yticklabels()) for axis in labelled)


@every_figure
@pytest.mark.filterwarnings("ignore:Glyph")
def test_no_text_is_cut_off_or_tiny(draw: Callable[[], Figure]) -> None:
    figure = draw()
    figure.canvas.draw()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 >= -0.01 and drawn.x1 <= width + 0.01
    assert drawn.y0 >= -0.01 and drawn.y1 <= height + 0.01
    sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
    assert min(sizes) >= 8


def test_names_of_classes_are_never_taken_for_formulas(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(confusion(), tmp_path / "figure.svg")
        save(confusion(), tmp_path / "figure.png")
    texts = svg_texts(tmp_path / "figure.svg")
    for name in HOSTILE:
        assert texts.count(shorten(name)) == 2, name  # a row and a column


def test_a_name_in_any_place_is_no_formula(tmp_path: Path) -> None:
    name = "$a$ <i>"
    rows = [ArmAccuracy(name, 0.4, 0.3, 0.5)]
    band = Band([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    figures = [
        accuracy_by_arm(rows, name, CAPTION),
        accuracy_over_severity("lost", SHARES, {name: band}, "none", CAPTION, [name]),
        threshold_tradeoff(SHARES, {name: SHARES}, {name: band}, 0.5, BANDS, CAPTION),
        confusion_matrix(np.eye(2), [name, "b"], name, CAPTION),
        training_curves({name: {0: [1.0, 0.5]}}, CAPTION),
    ]
    for figure in figures:
        save(figure, tmp_path / "figure.svg")
        assert any(name in text for text in svg_texts(tmp_path / "figure.svg"))


def test_arms_are_drawn_as_given_with_controls_last_and_the_leak_named() -> None:
    figure = arms()
    axis = figure.axes[0]
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == [
        "video_only",
        "generated",
        "oracle_filter (leaks the label)",
        "random_features (control)",
    ]
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in axis.lines]
    assert ([0.41, 0.41], [0, 1]) in drawn  # the reference line, from bottom to top
    assert ([0.1, 0.1], [0, 1]) in drawn  # chance
    for row, (mean, low, high) in enumerate(
        [(0.41, 0.37, 0.45), (0.48, 0.44, 0.52), (0.66, 0.62, 0.70), (0.40, 0.36, 0.44)]
    ):
        assert ([mean], [row]) in drawn
        assert ([low, high], [row, row]) in drawn
    assert [0.47, 0.49] in [xs for xs, _ in drawn]
    assert axis.get_ylim() == (3.5, -0.5)  # the first arm on top
    assert "48.0 %  [44.0, 52.0]" in [text.get_text() for text in axis.texts]
    looks = {(line.get_marker(), to_hex(line.get_color())) for line in axis.lines}
    assert len({colour for marker, colour in looks if marker in "osD"}) == 3


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(ValueError, match="role is 'oracle', expected one of"):
        ArmAccuracy("a", 0.1, 0.0, 0.2, role="oracle")


@pytest.mark.parametrize(("draw", "end"), [(lost, 0.4), (noise, 0.3)])
def test_severity_is_drawn_as_given(draw: Callable[[], Figure], end: float) -> None:
    figure = draw()
    expected = list(bands(0.6, end, 0.65).values())
    np.testing.assert_allclose(lines_of(figure, 0), [band.mean for band in expected])
    for filled, band in zip(figure.axes[0].collections, expected, strict=True):
        points = filled.get_paths()[0].vertices
        assert points[:, 1].min() == pytest.approx(min(band.low))
        assert points[:, 1].max() == pytest.approx(max(band.high))
    names = [text.get_text().split("\n")[0] for text in figure.axes[0].texts]
    assert names == ["video_only", "real_audio", "oracle_filter"]
    low, high = figure.axes[0].get_ylim()
    assert low < min(min(band.low) for band in expected)
    assert high > max(max(band.high) for band in expected)


def test_severity_grows_to_the_right() -> None:
    """A lower ratio of sound to noise is more severe."""
    left, right = lost().axes[0].get_xlim()
    assert left < right
    left, right = noise().axes[0].get_xlim()
    assert left > right
    assert "oracle_filter\n(leaks the label)" in [t.get_text() for t in lost().axes[0].texts]


def test_every_arm_has_a_look_of_its_own() -> None:
    many = {f"arm {i}": Band([0.5] * 3, [0.4] * 3, [0.6] * 3) for i in range(14)}
    axis = accuracy_over_severity("noise", RATIOS, many, "arm 3", CAPTION).axes[0]
    looks = {
        (to_hex(line.get_color()), line.get_marker(), line.get_linestyle()) for line in axis.lines
    }
    assert len(looks) == 14
    heights = sorted(text.xyann[1] for text in axis.texts)
    assert min(np.diff(heights)) > 0.055
    assert heights[0] >= 0 and heights[-1] <= 1


def test_the_trade_off_is_drawn_as_given_and_the_choice_is_marked() -> None:
    figure = threshold()
    above, below = figure.axes
    assert [1, 0.7, 0.1] in lines_of(figure, 0)
    assert [0.4, 0.5, 0.45] in lines_of(figure, 1)
    for axis, value in ((above, 0.7), (below, 0.5)):
        rings = [line for line in axis.lines if line.get_markerfacecolor() == "none"]
        assert [(*ring.get_xdata(), *ring.get_ydata()) for ring in rings] == [(40, value)]
    assert "chosen on validation: percentile 40" in [text.get_text() for text in above.texts]
    with pytest.raises(ValueError, match="41 is not in list"):
        threshold_tradeoff([0, 40], {"test": [1, 0]}, {}, 41, BANDS, CAPTION)


def test_the_trade_off_says_one_thing_about_its_bands() -> None:
    caption = " ".join(threshold().get_supxlabel().split())
    assert caption.count("Bands") == 1
    assert "Bands: lowest to highest seed." in caption and "interval" not in caption


def test_the_matrix_of_an_arm_that_leaks_says_so() -> None:
    said = [
        confusion_matrix(np.eye(2), ["a", "b"], "filtered", CAPTION, leaks).get_suptitle()
        for leaks in (False, True)
    ]
    assert "leaks" not in said[0]
    assert "filtered (leaks the label)" in " ".join(said[1].split())


def test_differences_are_drawn_as_given_and_the_leak_is_named() -> None:
    figure = difference()
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == [
        "filtered − mean_audio",
        "generated_arch2 − video_only",
        "filtered − generated_arch1 (leaks the label)",
    ]
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in first.lines]
    for row, (delta, low, high) in enumerate([(0.04, 0.01, 0.07), (-0.01, -0.04, 0.02)]):
        assert ([delta], [row]) in drawn and ([low, high], [row, row]) in drawn
    marks = [line for line in first.lines if line.get_marker() == "o"]
    filled = [mark.get_markerfacecolor() == mark.get_color() for mark in marks]
    assert filled == [True, False, True]  # p below 0.05
    assert marks[2].get_color() != marks[0].get_color()
    assert [text.get_text() for text in first.texts] == ["p 0.030", "p 1.000", "p 0.010"]


def test_a_difference_is_filled_by_its_adjusted_p_and_says_its_verdict() -> None:
    rows = [
        Difference("a-b", 0.04, 0.01, 0.07, 0.2, verdict="no difference shown"),
        Difference("c-b", 0.04, 0.01, 0.07, 0.01, verdict="ALARM"),
        Difference("d-b", 0.01, -0.01, 0.03, 0.5, verdict="ok"),
    ]
    axis = differences({"Accuracy": rows}, "Differences", CAPTION).axes[0]
    marks = [line for line in axis.lines if line.get_marker() == "o"]
    filled = [mark.get_markerfacecolor() == mark.get_color() for mark in marks]
    assert filled == [False, True, False]  # the first interval excludes 0, and shows nothing
    assert [text.get_text() for text in axis.texts] == [
        "p 0.200\nno difference shown",
        "p 0.010\nALARM",
        "p 0.500\nok",
    ]
    assert [to_hex(mark.get_color()) == to_hex(style.RED) for mark in marks] == [False, True, False]


def test_a_control_shows_its_status_and_an_alarm_is_red() -> None:
    rows = [
        ArmAccuracy("video_only", 0.4, 0.3, 0.5),
        ArmAccuracy("random_features", 0.4, 0.3, 0.5, (), "control", "ok"),
        ArmAccuracy("swapped_audio", 0.6, 0.5, 0.7, (), "control", "ALARM"),
    ]
    axis = accuracy_by_arm(rows, "video_only", CAPTION).axes[0]
    labels = {label.get_text(): to_hex(label.get_color()) for label in axis.get_yticklabels()}
    assert labels["swapped_audio (control: ALARM)"] == to_hex(style.RED)
    assert labels["random_features (control: ok)"] != to_hex(style.RED)


def test_the_matrix_shows_counts_and_shares_of_rows() -> None:
    figure = confusion()
    axis = figure.axes[0]
    shown = axis.images[0].get_array()
    rows = [0, 1, 2, 4, 5, 6, 7]
    np.testing.assert_allclose(shown[rows], counts()[rows] / counts()[rows].sum(1, keepdims=True))
    assert np.ma.getmaskarray(shown)[3].all()  # a class without test clips has no shares
    numbers = {text.get_position(): text.get_text() for text in axis.texts}
    assert numbers[(1, 0)] == "0.2"  # row 0 (true), column 1 (predicted)
    assert numbers[(0, 5)] == "8"
    assert len(numbers) == 64 - 8 - 1  # neither the empty row nor the count of 0


def test_a_matrix_of_hundreds_of_classes_can_be_written(tmp_path: Path) -> None:
    names = [f"class number {i}" for i in range(120)]
    figure = confusion_matrix(np.eye(120), names, "video_only", CAPTION)
    assert not figure.axes[0].texts
    width, height = figure.get_size_inches()
    size = {label.get_fontsize() for label in figure.axes[0].get_yticklabels()}
    assert min(size) >= 5
    assert min(size) / 72 < 1.05 * height / 120  # names of neighbours do not overlap
    assert max(width, height) < 40


def test_training_curves_are_drawn_as_given() -> None:
    figure = training()
    assert lines_of(figure, 0) == [[3.0, 2.0, 1.5], [2.0], [2.5, 1.0, 0.5], [0.5]]
    assert [list(line.get_xdata()) for line in figure.axes[0].lines[:2]] == [[1, 2, 3], [2]]
    assert lines_of(figure, 1) == [[3.0, 2.0, 1.5], [2.5, 1.0, 0.5]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["seed 0", "seed 7"]
    assert figure.axes[0].get_ylim()[0] == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_labels_keep_their_gap_their_order_and_the_panel(wanted: list[float]) -> None:
    placed = spread(wanted, 0.05, 0, 1)
    assert min(placed) >= -1e-9 and max(placed) <= 1 + 1e-9
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(np.array(placed)[order]) >= 0.05 - 1e-9).all()


def test_labels_that_have_room_stay_where_they_are() -> None:
    assert spread([0.9, 0.1, 0.5], 0.1, 0, 1) == [0.9, 0.1, 0.5]
    assert spread([0.5, 0.5], 0.1, 0, 1) == pytest.approx([0.45, 0.55])
    assert spread([0.0, 0.0], 0.1, 0, 1) == pytest.approx([0.0, 0.1])


def test_a_long_name_loses_its_middle() -> None:
    assert shorten("short") == "short"
    long = shorten("playing " * 9 + "cello")
    assert len(long) == 32
    assert long.startswith("playing") and long.endswith("cello") and "…" in long


def test_sample_size_in_words() -> None:
    assert sample_size(1200, 1, 5) == "1,200 test clips from 1 source group, 5 seeds."


def test_another_suffix_is_refused_and_a_failed_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"ends in \.svg or \.png"):
        save(training(), tmp_path / "figure.pdf")
    figure = training()
    monkeypatch.setattr(figure, "savefig", lambda path, **_: path.write_text("half") / 0)
    with pytest.raises(ZeroDivisionError):
        save(figure, tmp_path / "figure.svg")
    assert list(tmp_path.iterdir()) == []


def test_a_large_figure_becomes_a_picture_of_bounded_size(tmp_path: Path) -> None:
    save(style.new_figure(80, 2, "wide", CAPTION), tmp_path / "wide.png")
    header = (tmp_path / "wide.png").read_bytes()[16:24]
    assert int.from_bytes(header[:4], "big") == style.LARGEST_SIDE


def test_drawing_leaves_the_callers_settings_alone() -> None:
    before = dict(matplotlib.rcParams)
    confusion()
    assert dict(matplotlib.rcParams) == before
