"""The comparison's figures as they are put together: an arm that leaks is marked in each."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from unmuted.systems.comparison import figures as comparison_figures
from unmuted.systems.comparison.figures import SHOWN, draw_figures

SEEDS, CLIPS, CLASSES = 5, 20, 4
MEASURE = {"mean": 0.5, "ci95": [0.4, 0.6], "per_seed": [0.5] * SEEDS}
DIFFERENCE = {
    "delta": 0.1,
    "ci95": [0.0, 0.2],
    "p_adjusted": 0.2,
    "family": "primary",
    "verdict": "no difference shown",
}


def report(leaks: list[str]) -> dict:
    """As much of comparison.json as the figures show."""

    def curve(arm: str) -> dict:
        return {"accuracy": [MEASURE, MEASURE], "leaks": arm in leaks}

    curves = {"levels": [0, 1], "arms": {arm: curve(arm) for arm in SHOWN[:3]}}

    pairs = {"filtered-mean_audio": DIFFERENCE | {"leaks": "filtered" in leaks}}
    candidate = {"percentile": 50, "accuracy": [0.5] * SEEDS, "kept_share": [0.5] * SEEDS}
    return {
        "arms": {
            name: {"accuracy": MEASURE, "role": "leaks" if name in leaks else "arm"}
            for name in SHOWN
        },
        "contrasts": {
            "filtered-video_only": DIFFERENCE | {"leaks": "filtered" in leaks},
            "real_audio-video_only": DIFFERENCE | {"leaks": False, "family": "ceiling"},
        },
        "missing": {
            "severity": {"0": {"clips": CLIPS, "lost": curves, "noise": curves}, "0.5": None},
            "contrasts": {"0": pairs, "0.5": {}},
        },
        "filter": {"filtered": {"chosen": 50, "candidates": [candidate]}},
    }


def drawn(leaks: list[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, str]:
    """All that is written in each figure, by the name of its file."""
    figures: dict[str, Figure] = {}
    monkeypatch.setattr(
        comparison_figures, "save", lambda figure, path: figures.update({path.stem: figure})
    )
    monkeypatch.setattr(comparison_figures, "_histories", lambda _: {"generator": {0: [1.0, 0.5]}})
    found, clips = report(leaks), [SimpleNamespace(group="a")] * CLIPS
    tested = SimpleNamespace(
        clips=clips,
        bootstrap=SimpleNamespace(draws=np.zeros((2, 7))),
        experiment=SimpleNamespace(classes=list("abcd"), split=lambda _: clips),
    )
    said = SimpleNamespace(probabilities=np.full((SEEDS, CLIPS, CLASSES), 0.25))
    compared = SimpleNamespace(
        arms=dict.fromkeys(SHOWN, said),
        clips=SimpleNamespace(labels=np.arange(CLIPS) % CLASSES),
        roles={name: arm["role"] for name, arm in found["arms"].items()},
    )
    job = SimpleNamespace(seeds=list(range(SEEDS)))
    draw_figures(folder, job, tested, compared, found)
    return {name: " ".join(_texts(figure).split()) for name, figure in figures.items()}


def _texts(figure: Figure) -> str:
    figure.canvas.draw()
    return " ".join(text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))


def test_every_figure_that_shows_an_arm_that_leaks_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    honest, seed_mode = (drawn(leaks, monkeypatch, tmp_path) for leaks in ([], ["filtered"]))
    assert honest.keys() == seed_mode.keys()
    assert not any("leaks the label" in text for text in honest.values())
    assert {name for name, text in seed_mode.items() if "leaks the label" in text} == {
        *("accuracy_by_arm", "filter_threshold", "confusion_filtered", "contrasts_primary"),
        *(f"severity_{kind}_trained_with_0_missing" for kind in ("lost", "noise")),
        "missing_audio_differences_trained_with_0_missing",
    }


def test_the_threshold_figure_says_one_thing_about_its_bands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = drawn([], monkeypatch, tmp_path)["filter_threshold"]
    assert text.count("Bands:") == 1 and "Bands: lowest to highest seed." in text
    assert "95 %" not in text
