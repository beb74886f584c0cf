"""Made reports of the systems whose results are media: match highlights, and segmentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from made_site import contrast, measure
from unmuted.evaluation.figures.style import save
from unmuted.site.folder import SiteFolder
from unmuted.site.material import Material
from unmuted.site.sections import Section
from unmuted.systems.highlights.site import section as of_highlights
from unmuted.systems.highlights.timeline import Panel, draw_timeline
from unmuted.systems.segmentation.site import section as of_segmentation

RATES = [0.0, 0.5, 1.0]
PROVENANCE = {
    "models": {"vit": {"id": "models/vit", "revision": "sha256:0", "dtype": "float32"}},
    "config_sha256": "0" * 64,
    "versions": {"unmuted": "0.1.0"},
    "seeds": list(range(5)),
}


def highlights(folder: Path, site: SiteFolder, film: Path, text: str = "Goal") -> Section:
    """The section of a made report with a match that has a reel, a timeline and a moment.

    film: an MP4. text: the kind of the match's events.
    """
    scores = np.linspace(0, 1, 100)[:, None]
    everywhere = np.ones(100, bool)
    truths = [(4.0, text, True)]
    panel = Panel(
        "half 1", 5.0, scores, everywhere, -40 * scores[:, 0], everywhere, [(1, 9)], truths
    )
    save(draw_timeline("a match", "both", [text], [panel]), folder / "m1.png")
    moments = f'# arm: both\nrank,kind\n1,"{text.replace(chr(34), chr(34) * 2)}"\n'
    scored = json.dumps({"reel": {"shown_events": 2, "shown_events_in_reel": 1}})
    found = {"status": "ok", "highlights.csv": moments, "metrics.json": scored}
    (folder / "m1.json").write_text(json.dumps(found), encoding="utf-8")
    media = {
        "reels": {"m1": film},
        "timelines": {"m1": folder / "m1.png"},
        "match_highlights": {"m1": folder / "m1.json"},
    }
    return of_highlights(Material(_highlights_report(text), site, folder, media=media))


def _highlights_report(text: str) -> dict[str, Any]:
    arm = dict.fromkeys(("tight", "loose", "at1", "at2"), measure(0.7))
    curve = {"no_stream": [0.7, 0.5, 0.3]}
    lost = {"curves": curve, "area": measure(0.5), "lost": measure(0.3), "dropout": None}
    name = "generated_audio-mean_audio.area"
    by_match = {"m1": {"segments": 1, "why_none": None}, "m2": {"segments": 0, "why_none": text}}
    reel = {"arm": "both", "shown_events": 4, "recall": 0.5, "segments": 1, "precision": None}
    return {
        "system": "highlights",
        "arms": {"both": arm, "generated_audio": arm, "mean_audio": arm},
        "loudness": {},
        "chance": {"tight": {"random_20": 0.03}},
        "contrasts": {name: contrast(0.07, "no difference shown", "primary")},
        "missing": {"rates": RATES, "arms": {"both": lost, "generated_audio": lost}},
        "reel": {**reel, "by_match": by_match},
        "notes": [f"few events of {text[:100]}"],
        "data": {
            "matches": {"train": 10, "val": 4, "test": 6},
            "events": {text: {"shown": 4, "unshown": 1}},
            "excluded": {},
        },
        "provenance": PROVENANCE,
    }


def segmentation(folder: Path, site: SiteFolder, film: Path, text: str = "ringing bell") -> Section:
    """The section of a made report with the masks of a video; text: the class of its clips."""
    (folder / "v1.csv").write_text("second,area_share\n0,0.2\n1,0\n", encoding="utf-8")
    media = {"overlay_copies": {"v1": film}, "avs_tables": {"v1": folder / "v1.csv"}}
    iou = measure(0.35)
    arm = dict.fromkeys(("ab_iou", "iou", "f", "empty_off_screen", "empty_silent"), iou)
    own = dict.fromkeys(("ab_iou", "empty", "area", "agreement"), iou)
    report = {
        "system": "segmentation",
        "headline": "ab_iou",
        "data": {
            "clips": 80,
            "sources": 20,
            "classes": {text: 9},
            "videos": {"train": 160, "val": 48, "test": 92},
            "excluded": {},
        },
        "arms": {name: arm | {"meaning": text} for name in ("real_audio", "video_only")},
        "dependence": {"real_audio": {"own": own, "silence": own, "follows": iou}},
        "contrasts": {"real_audio-video_only": contrast(0.04, "no difference shown", "primary")},
        "missing": {"rates": RATES, "curves": {"real_audio.silence": {"ab_iou": [iou] * 3}}},
        "criteria": {"follows_at_least_0.90": False},
        "provenance": PROVENANCE,
    }
    return of_segmentation(Material(report, site, folder, media=media))
