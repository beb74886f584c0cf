"""Figures within a page: readable on a telephone, in light and dark, and short."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from unmuted.evaluation.figures.arms import ArmAccuracy, accuracy_by_arm
from unmuted.evaluation.figures.confusion import _DARK, MOST_NARROW, confusion_matrix
from unmuted.evaluation.figures.differences import Difference, differences
from unmuted.evaluation.figures.reliability import FEW, Reliability, reliability_diagrams
from unmuted.evaluation.figures.severity import accuracy_over_severity
from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    FAINT,
    GREY,
    INK,
    NARROW,
    ON_COLOUR,
    PALE,
    RED,
    WHITE,
    Band,
)
from unmuted.site import drawn
from unmuted.site.figures import CalibrationError, Dot, calibration_errors, curves, dot_plot
from unmuted.site.sections import Table
from unmuted.site.themes import DARK, themed
from unmuted.systems.comparison.site import _missing, _severity
from unmuted.systems.segmentation.figures import arms_figure, missing_figure

pytestmark = pytest.mark.unit

LONG = "an arm of a very long name, as some are"
CAPTION = "164 test clips from 70 source groups; exploratory: 1 seed."
RATES = [0.0, 0.25, 0.5, 0.75, 1.0]
MEASURE = {"mean": 0.35, "ci95": [0.26, 0.45]}


def arms(**options: bool) -> Figure:
    rows = [
        ArmAccuracy("video_only", 0.41, 0.37, 0.45, [0.40, 0.42]),
        ArmAccuracy(LONG, 0.97, 0.9, 1.0, [0.96, 0.98]),
        ArmAccuracy("random_features", 0.40, 0.36, 0.44, [0.40], "control", "undecided"),
        ArmAccuracy("oracle_filter", 0.66, 0.62, 0.70, [0.65], "leaks"),
    ]
    return accuracy_by_arm(rows, "video_only", CAPTION, 0.1, **options)


def contrasts(**options: bool) -> Figure:
    rows = [
        Difference("filtered-mean_audio", 0.04, 0.01, 0.07, 0.03, verdict="better"),
        Difference(f"{LONG}-{LONG}", -0.01, -0.04, 0.02, 1.0, verdict="no difference shown"),
        Difference("filtered-generated_arch1", 0.2, 0.1, 0.3, 0.01, leaks=True),
    ]
    return differences({"Accuracy": rows}, "Differences in accuracy", CAPTION, **options)


def dots(**options: bool) -> Figure:
    shown = [Dot("both", 0.79, 0.67, 0.94), Dot("chance: every_10_s", 0.03), Dot(LONG, 0.5)]
    title = "Tight mAP on the test matches by arm"
    return dot_plot(shown, title, title, CAPTION, **options)


def bands(count: int = 9) -> dict[str, Band]:
    lines = {f"{LONG} {i}" if i % 2 else f"arm_{i}": 0.9 - 0.1 * i for i in range(count)}
    return {
        name: Band([high] * 5, [high - 0.1] * 5, [high + 0.1] * 5) for name, high in lines.items()
    }


def lines(**options: bool) -> Figure:
    labels = ("Share of test matches without their sound", "Tight mAP")
    return curves(RATES, bands(), "Tight mAP as matches lose", labels, CAPTION, **options)


def severity(**options: bool) -> Figure:
    found = {**bands(3), "oracle": Band(RATES, RATES, RATES)}
    return accuracy_over_severity("lost", RATES, found, "arm_0", CAPTION, ["oracle"], **options)


def errors(**options: bool) -> Figure:
    shown = [CalibrationError(LONG, 0.13, 0.08, [0.1, 0.16]), CalibrationError("b", 0.02, 0.08)]
    return calibration_errors(shown, CAPTION, **options)


def in_last_bins(name: str, counts: Sequence[int], accuracy: Sequence[float]) -> Reliability:
    empty = 15 - len(counts)
    confidence = [(empty + i + 0.5) / 15 for i in range(len(counts))]
    return Reliability(
        name,
        [*[0] * empty, *counts],
        [*[None] * empty, *confidence],
        [*[None] * empty, *accuracy],
    )


def reliability(**options: bool) -> Figure:
    shown = [
        in_last_bins(LONG, (12, 40, 100, 30, 2), (0.6, 0.7, 0.8, 0.9, 1.0)),
        in_last_bins("too sure", (30,), (0.5,)),
        in_last_bins("of few", (3,), (0.0,)),
    ]
    return reliability_diagrams(shown, CAPTION, **options)


def confusion(number: int) -> Callable[..., Figure]:
    def draw(**options: bool) -> Figure:
        names = [f"class of a long name, number {i}" for i in range(number)]
        counts = np.arange(number * number).reshape(number, number) * 60.0 / number**2
        counts[1] = 0
        return confusion_matrix(counts, names, "generated", CAPTION, **options)

    return draw


AVS = {
    "headline": "ab_iou",
    "arms": {"real_audio": {"ab_iou": MEASURE}, LONG: {"ab_iou": MEASURE}},
    "missing": {
        "rates": RATES,
        "curves": {name: {"ab_iou": [MEASURE] * 5} for name in ("a.own", "real_audio.noise", LONG)},
    },
}


def masks(**options: bool) -> Figure:
    return arms_figure(AVS, CAPTION, **options)


def masks_without_sound(**options: bool) -> Figure:
    return missing_figure(AVS, CAPTION, **options)


DRAWN = {
    **{draw.__name__: draw for draw in (arms, contrasts, dots, lines, severity, errors)},
    **{draw.__name__: draw for draw in (reliability, masks, masks_without_sound)},
    "confusion": confusion(8),
    "confusion_of_many": confusion(MOST_NARROW),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_narrow_figure_is_readable_in_the_colours_of_the_page(name: str) -> None:
    figure = DRAWN[name](is_narrow=True)
    figure.canvas.draw()
    width, height = figure.get_size_inches()
    assert width == NARROW
    box = figure.get_tightbbox()
    assert box.x0 >= -0.01 and box.x1 <= width + 0.01
    assert box.y0 >= -0.01 and box.y1 <= height + 0.01
    texts = texts_of(figure)
    assert min(text.get_fontsize() for text in texts) * 96 / 72 >= 10  # pixels, at their own size
    for first, second in itertools.combinations(texts, 2):
        one, other = first.get_window_extent(), second.get_window_extent()
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        tall = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert wide <= 1 or tall <= 1, f"{first.get_text()!r} lies on {second.get_text()!r}"
    check_theme(drawn._svg(lambda: figure))


def texts_of(figure: Figure) -> list[Text]:
    """The texts that are drawn: those of ticks beyond an axis are not."""
    beyond = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]
            beyond |= {tick.label1 for tick in ticks}
    found = figure.findobj(Text)
    return [one for one in found if one.get_text() and one.get_visible() and one not in beyond]


def check_theme(svg: str) -> None:
    """Every colour is one of the page's, and words and numbers are the same as before."""
    page = themed(svg)
    root = ElementTree.fromstring(page)
    style = next(element.text for element in root.iter() if element.tag.endswith("style"))
    assert "prefers-color-scheme:dark" in style
    used = " ".join(element.get("style", "") for element in root.iter())
    assert "var(--c" in used and not re.search(r"#[0-9a-fA-F]{3,8}\b|font-family", used)
    assert set(re.findall(r"var\((--c\d+)\)", page)) <= set(re.findall(r"(--c\d+):", style))
    assert words(page) == words(svg)
    assert len(page) < 0.8 * len(svg)


def words(svg: str) -> list[str]:
    tree = ElementTree.fromstring(svg.encode())
    return ["".join(one.itertext()) for one in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_words_that_look_like_style_stay_as_they_are() -> None:
    name = 'style="fill: #0063e8" > <b>1.23456</b> font-family: x; <metadata>'
    svg = drawn._svg(dot_plot, [Dot(name[:32], 0.5), Dot(name[32:], 0.5)], name, "a", "")
    assert words(themed(svg)) == words(svg)
    assert any('style="fill: #0063e8"' in one for one in words(svg))


def test_a_figure_has_a_narrow_one_and_a_file_of_its_own() -> None:
    table = Table(("a",), [("b",)], name="numbers")
    found = drawn.drawn(
        *(dot_plot, [Dot("a", 0.5)], "A title", "a label", ""), alt="words", table=table
    )
    assert found.narrow and found.narrow != found.source
    assert found.svg.startswith(b"<?xml") and b"var(" not in found.svg  # for any program


def test_the_comparison_draws_missing_and_damaged_sound() -> None:
    levels = {"lost": [0, 0.5, 1], "noise": [20, 0, -10]}
    arms = {name: {"accuracy": [MEASURE] * 3, "leaks": name == "b"} for name in ("a", "b")}
    missing = {
        "test_rates": [0, 0.5, 1],
        "accuracy": {"0.0": {"no_stream": {"a": {"expected": [MEASURE] * 3}}}},
        "contrasts": {"0.0": {}},
        "severity": {"0.0": {kind: {"levels": at, "arms": arms} for kind, at in levels.items()}},
    }
    figures = [*_missing(missing, CAPTION).figures, *_severity(missing, CAPTION).figures]
    assert len(figures) == 3 and len({figure.narrow for figure in figures}) == 3
    assert [len(figure.table.rows) for figure in figures] == [3, 6, 6]


def test_a_bin_of_few_predictions_is_open() -> None:
    axis = reliability().axes[0]
    faces = {
        line.get_markerfacecolor(): len(line.get_xdata())
        for line in axis.lines
        if line.get_marker() == "o"
    }
    assert faces == {COLOURS[0]: 4, WHITE: 1} and FEW == 10


# --- contrast -------------------------------------------------------------------------------------


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def over(ground: tuple[float, ...], colour: tuple[float, ...], share: float) -> tuple[float, ...]:
    return tuple(share * c + (1 - share) * g for c, g in zip(colour, ground, strict=True))


SCHEMES: dict[str, Mapping[str, str]] = {"light": {one: one for one in DARK}, "dark": DARK}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_and_marks_have_enough_contrast(scheme: str) -> None:
    rgb = {light: to_rgb(shown) for light, shown in SCHEMES[scheme].items()}
    ground = rgb[WHITE]
    band = over(ground, rgb[PALE], 0.45)  # behind the names of arms
    for colour in (*COLOURS, BLACK, GREY, RED, INK):
        assert contrast(rgb[colour], ground) >= 4.5, colour
        assert contrast(over(ground, rgb[colour], FAINT), ground) >= 3, colour
    for colour in (BLACK, GREY, RED):
        assert contrast(rgb[colour], band) >= 4.5, colour


@pytest.mark.parametrize("scheme", SCHEMES)
def test_numbers_of_a_matrix_have_enough_contrast(scheme: str) -> None:
    rgb = {light: to_rgb(shown) for light, shown in SCHEMES[scheme].items()}
    for share in np.linspace(0, 1, 201):
        cell = over(rgb[WHITE], to_rgb(COLOURS[0]), share)  # a picture, the same in both
        text = rgb[ON_COLOUR if share > _DARK else INK]
        assert contrast(text, cell) >= 4.5, share


# Severe forms of the three kinds of colour blindness (Machado et al. 2009), of linear RGB.
BLIND = np.array(
    [
        *(1, 0, 0, 0, 1, 0, 0, 0, 1),
        *(0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216),
        *(-0.003882, -0.048116, 1.051998),
        *(0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413),
        *(-0.011820, 0.042940, 0.968881),
        *(1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602),
        *(0.004733, 0.691367, 0.303900),
    ]
).reshape(4, 3, 3)
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(linear: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(XYZ @ np.clip(linear, 1e-3, 1) / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_lines_differ_under_any_colour_vision(scheme: str) -> None:
    shown = [np.array(to_rgb(SCHEMES[scheme][colour])) for colour in COLOURS]
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in shown]
    for kind in BLIND:
        seen = [lab(kind @ colour) for colour in linear]
        least = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
        assert least >= 14  # where 2 can just be told apart
