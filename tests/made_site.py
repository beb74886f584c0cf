"""A site of made videos and reports, written without Snakemake: for tests, also in a browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from unmuted.evaluation.outcomes import calibration
from unmuted.pipeline.jobs.site import LINKS
from unmuted.pipeline.jobs.thumbnails import thumbnail
from unmuted.site import drawn
from unmuted.site.folder import SiteFolder
from unmuted.site.material import Material
from unmuted.site.origin import origin_section
from unmuted.site.overview import write_overview
from unmuted.site.sections import Section
from unmuted.site.videos import VideoRow, write_videos
from unmuted.systems.arch2.site import section

ARMS = ("video_only", "generated", "real_audio")
CLASSES = ("barking", "knocking", "pouring")
HOSTILE = (
    "<script>document.title = 'stolen'</script>",
    '"><img src=x onerror="document.title=1">',
    "</script><script>document.title = 'stolen'</script>",
    "\u202egnikrab\u202c",
    "'; document.title = 'stolen'; '",
    "line\u2028separator",
    "long " * 2_000,
)


VOID = {"meta", "link", "img", "source", "input", "br", "hr"}


class Document(HTMLParser):
    """The elements of a page with their attributes, and the texts of styles and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inlined: dict[str, list[str]] = {"style": [], "script": []}
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        inside = self.open[-1] if self.open else ""
        self.inlined.get(inside, self.words).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def policy(self) -> dict[str, list[str]]:
        (meta,) = [m for m in self.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
        parts = [part.split() for part in meta["content"].split(";")]
        return {name: sources for name, *sources in parts}


def measure(mean: float, half: float = 0.05, seeds: int = 5) -> dict[str, Any]:
    """A measure of a report, with an interval of two halves around its mean."""
    return {"mean": mean, "ci95": [mean - half, mean + half], "per_seed": [mean] * seeds}


def arm(accuracy: float, role: str = "arm", seeds: int = 5) -> dict[str, Any]:
    """An arm of a report."""
    return {
        "role": role,
        "accuracy": measure(accuracy, seeds=seeds),
        "macro_f1": measure(accuracy - 0.01, seeds=seeds),
        "by_sound": {},
        "brier": measure(0.5, seeds=seeds),
        "log_loss": measure(1.0, seeds=seeds),
        "ece": made_calibration(accuracy, seeds),
        "audio": {"train": "none", "test": "none"},
    }


@cache
def made_calibration(accuracy: float, seeds: int) -> dict[str, Any]:
    """The calibration of classifiers that are somewhat too sure, over 40 clips."""
    rng = np.random.default_rng(seeds)
    probabilities = rng.dirichlet([0.4, 0.4, 0.4], size=(seeds, 40))
    right = rng.random(40) < accuracy
    labels = np.where(right, probabilities[0].argmax(axis=1), rng.integers(3, size=40))
    return calibration(probabilities, labels)


def contrast(
    delta: float, verdict: str, family: str = "hypothesis", **others: Any
) -> dict[str, Any]:
    """A contrast of a report."""
    return {
        "delta": delta,
        "ci95": [delta - 0.03, delta + 0.04],
        "primary": family == "primary",
        "family": family,
        "p": 0.01,
        "p_adjusted": 0.02,
        "level": 0.05,
        "smallest_detectable": 0.07,
        "verdict": verdict,
        **others,
    }


def control(status: str, delta: float = 0.02) -> dict[str, Any]:
    """The contrast of a control with video_only."""
    judged = {"margin": 0.05, "status": status, "clips_needed": 900}
    needed = judged if status == "undecided" else judged | {"clips_needed": None}
    return contrast(delta, "no difference shown", "control", control=needed)


def report(
    verdict: str = "better",
    status: str = "ok",
    seeds: int = 5,
    classes: Sequence[str] = CLASSES,
    delta: float = 0.1234,
) -> dict[str, Any]:
    """A report as that of architecture 2.

    verdict: of its primary contrast. status: of a control.
    """
    accuracies = {"video_only": 0.6123, "generated": 0.7357, "real_audio": 0.8012}
    arms = {name: arm(accuracy, seeds=seeds) for name, accuracy in accuracies.items()}
    arms["generated_null"] = arm(0.6234, "control", seeds)
    return {
        "schema_version": 1,
        "system": "arch2",
        "data": {
            "classes": list(classes),
            "train": 60,
            "val": 57,
            "test": 164,
            "groups": 119,
            "excluded": {"no_label": 391},
            "near_duplicates": {"threshold": 0.97, "clips": 0, "pairs": 0, "most_similar": []},
        },
        "arms": arms,
        "contrasts": {
            "generated-video_only": contrast(delta, verdict, "primary"),
            "real_audio-video_only": contrast(0.1889, "better", "ceiling"),
            "generated_null-video_only": control(status),
        },
        "recovery": "undefined",
        "generation": {},
        "headroom": {
            "ceiling": 1.0,
            "rule": "the best one",
            "video_only": 0.6123,
            "points": 0.3877,
            "smallest_detectable": 0.07,
            "can_answer": True,
        },
        "statistics": {"test_groups": 70, "resamples": 1000},
        "provenance": {
            "models": {"vit": {"id": "models/vit", "revision": "sha256:0", "dtype": "float32"}},
            "config_sha256": "0" * 64,
            "versions": {"unmuted": "0.1.0"},
            "seeds": list(range(seeds)),
        },
    }


def video_rows(count: int, hostile: bool = True, pages: Sequence[str] = ()) -> list[VideoRow]:
    """Rows of made videos; the first ones have hostile labels and reasons.

    pages: ids of videos that have a page.
    """
    rng = np.random.default_rng(count)
    pictures = [_picture(rng) for _ in range(16)]
    rows = []
    for number in range(count):
        name = f"video_{number:06}"
        is_hostile = hostile and number < len(HOSTILE)
        label = HOSTILE[number] if is_hostile else CLASSES[number % len(CLASSES)]
        predicted = {a: str(rng.choice(CLASSES)) for a in ARMS} if number % 10 else {}
        is_lost = number % 50 == 3
        rows.append(
            VideoRow(
                name,
                "" if number % 7 == 6 else label,
                "" if number % 7 == 6 else ("train", "val", "test")[number % 3],
                "unreadable" if is_lost else "ok",
                f"frames: {HOSTILE[number % len(HOSTILE)]}" if is_lost else "",
                predicted,
                b"" if is_lost else pictures[number % len(pictures)],
                f"videos/{name}.html" if name in pages else "",
            )
        )
    return rows


def _picture(rng: np.random.Generator) -> bytes:
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return thumbnail(cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC))


def without_drawing(patch: pytest.MonkeyPatch) -> None:
    """Let all figures be one small picture: drawing takes longer than all else of a section."""

    def small(draw: object, *_: object, is_narrow: bool = False) -> str:
        width = 1 if is_narrow else 2
        return (
            f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="{width}"></svg>'
        )

    patch.setattr(drawn, "_svg", small)


def make_site(
    folder: Path, videos: int = 25, sections: Sequence[Section] | None = None, hostile: bool = True
) -> SiteFolder:
    """Write a site into a folder, and return what wrote it.

    sections: those of the overview; by default the one of a made report with hostile class names.
    """
    site = SiteFolder(folder)
    if sections is None:
        classes = [text[:150] for text in HOSTILE] if hostile else CLASSES
        confusion = {"generated": np.eye(len(classes)) * 3}
        sections = [section(Material(report(classes=classes), site, folder, (), confusion))]
    rows = video_rows(videos, hostile)
    write_overview(site, sections, origin_section({"videos": {"folder": "/home/me/clips"}}), LINKS)
    write_videos(site, rows, ARMS, LINKS)
    site.close()
    return site


if __name__ == "__main__":
    import sys

    make_site(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 25)
    print(json.dumps(sorted(str(path) for path in Path(sys.argv[1]).rglob("*.html"))))
