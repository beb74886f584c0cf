"""Media of the overview: those that the job was given, and no other files of the run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from made_site import Document
from unmuted.pipeline.jobs.site import LINKS
from unmuted.site.folder import SiteFolder
from unmuted.site.material import Material
from unmuted.site.origin import origin_section
from unmuted.site.overview import write_overview
from unmuted.site.sections import Link, Section, Table
from unmuted.systems.highlights.site import SHOWN_MATCHES, _matches, found_section
from unmuted.systems.highlights.site import _answer as of_highlights
from unmuted.systems.segmentation.site import _answer as of_segmentation
from unmuted.systems.segmentation.site import _overlay

pytestmark = pytest.mark.unit

UNITS = [f"match_{number}" for number in range(6)]


def found(events: int, in_reel: int) -> dict[str, Any]:
    """What was found in a match, as the stage writes it."""
    scored = {"shown_events": events, "shown_events_in_reel": in_reel}
    return {
        "status": "ok",
        "segments": [{}] * 3,
        "reason": "",
        "highlights.csv": "# arm: both\nrank,kind\n1,Goal\n",
        "metrics.json": json.dumps({"reel": scored}),
    }


@pytest.fixture
def material(tmp_path: Path) -> Material:
    """A run in which reels of all matches lie, and a job that was given those of four."""
    media: dict[str, dict[str, Path]] = {"match_highlights": {}, "reels": {}, "timelines": {}}
    nothing_found = found(0, 0) | {"status": "no_events", "segments": []}
    del nothing_found["metrics.json"]
    for number, unit in enumerate(UNITS):
        for stage, suffix in (("reels", ".mp4"), ("timelines", ".png")):
            path = tmp_path / "results" / stage / "a-shard" / f"{unit}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{stage} of {unit}".encode())
            if number >= 2:
                media[stage][unit] = path
        path = tmp_path / "results" / f"{unit}.json"
        path.write_text(json.dumps(found(4, number) if number else nothing_found))
        media["match_highlights"][unit] = path
    site, pages = SiteFolder(tmp_path / "site"), {"match_2": "matches/match_2.html"}
    return Material({}, site, tmp_path / "results", media=media, pages=pages)


def test_without_labels_the_matches_are_those_that_were_looked_at(material: Material) -> None:
    section = found_section(material)
    (block,) = section.blocks
    assert section.answer is None and block.title == "Matches"
    assert [row[0] for row in block.tables[0].rows] == UNITS
    assert len(block.players) == SHOWN_MATCHES


def reel() -> dict[str, Any]:
    by_match = {unit: {"segments": 3, "why_none": None} for unit in UNITS}
    by_match["match_0"] = {"segments": 0, "why_none": "nothing was found"}
    summed = {"arm": "both", "shown_events": 20, "recall": 0.5, "segments": 15, "precision": None}
    return {**summed, "by_match": by_match}


def test_only_media_that_are_inputs_are_copied(material: Material, tmp_path: Path) -> None:
    block = _matches(reel(), material)
    shown = UNITS[2 : 2 + SHOWN_MATCHES]
    copied = sorted(path.name for path in (tmp_path / "site/media").iterdir())
    assert copied == sorted(f"{unit}{suffix}" for unit in shown for suffix in (".mp4", ".png"))
    assert [player.source for player in block.players] == [f"media/{unit}.mp4" for unit in shown]
    assert (tmp_path / "site/media/match_2.mp4").read_bytes() == b"reels of match_2"


def test_every_match_has_a_row_with_its_events_and_recall(material: Material) -> None:
    rows = {row[0]: row for row in _matches(reel(), material).tables[0].rows}
    assert list(rows) == UNITS
    assert rows["match_1"][1:] == (None, "ok", 4, 25, 3, None, None, None)
    assert rows["match_0"][2:] == ("no_events", None, None, 0, "nothing was found", None, None)
    assert rows["match_2"][1] == Link("page", "matches/match_2.html")
    assert rows["match_3"][7:] == (
        Link("reel", "media/match_3.mp4"),
        Link("timeline", "media/match_3.png"),
    )


def test_links_lead_to_files_that_exist(material: Material, tmp_path: Path) -> None:
    section = Section("highlights", "Highlights", blocks=[_matches(reel(), material)])
    write_overview(material.site, [section], origin_section({}), LINKS)
    page = Document((tmp_path / "site/index.html").read_text())
    linked = [a["href"] for a in page.all("a") if (a["href"] or "").startswith("media/")]
    assert len(linked) == 2 * SHOWN_MATCHES
    assert all((tmp_path / "site" / path).is_file() for path in linked)
    assert "media/match_3.mp4" in (tmp_path / "site/csv/highlights_matches.csv").read_text()


def test_a_link_is_an_address_in_the_csv() -> None:
    table = Table(("a", "b"), [("x", Link("the reel", "media/=x.mp4"))])
    assert table.csv == "a,b\nx,media/=x.mp4\n"


def compared(contrasts: Sequence[str], arms: Sequence[str]) -> dict[str, Any]:
    """A report without a primary contrast."""
    found: dict[str, Any] = {name: {"primary": False} for name in contrasts}
    return {"contrasts": found, "arms": {name: {} for name in arms}, "loudness": {"tight": {}}}


def test_a_run_of_one_arm_compares_nothing() -> None:
    of_networks = of_segmentation(compared([], ["real_audio"]), "points")
    assert of_networks.sentence == "Nothing is compared: this run has real_audio alone."
    of_loudness = of_highlights(compared([], []))
    assert of_loudness.sentence == "Nothing is compared: this run has loudness alone."
    of_spotter = of_highlights(compared([], ["ready_spotter"]))
    assert "this run has ready_spotter and loudness alone" in of_spotter.sentence


def test_a_run_without_its_primary_contrast_names_the_arms_that_it_lacks() -> None:
    name = "real_audio-shuffled_audio"
    of_networks = of_segmentation(compared([name], name.split("-")), "points")
    assert of_networks.sentence.startswith("This run has no arm video_only, so")
    of_matches = of_highlights(compared(["both-loudness"], ["both", "mean_audio"]))
    assert of_matches.sentence.startswith("This run has no arm generated_audio, so")
    for sentence in (of_networks.sentence, of_matches.sentence):
        assert "Nothing is compared" not in sentence and "under Differences" in sentence


def test_every_video_with_masks_has_a_row_and_the_first_film_is_shown(tmp_path: Path) -> None:
    tables = {}
    for name, shares in {"a": (0, 0), "b": (0.5, 0), "c": (0.25, 0.75)}.items():
        tables[name] = tmp_path / f"{name}.csv"
        lines = [f"{second},{share}" for second, share in enumerate(shares)]
        tables[name].write_text("\n".join(["second,area_share", *lines, ""]))
    film = tmp_path / "b.mp4"
    film.write_bytes(b"masks of b")
    media = {"overlay_copies": {"b": film, "c": film}, "avs_tables": tables}
    site, pages = SiteFolder(tmp_path / "site"), {"c": "videos/c.html"}
    block = _overlay(Material({}, site, tmp_path, media=media, pages=pages), "Masks")
    assert block is not None and [p.source for p in block.players] == ["media/b.mp4"]
    assert (tmp_path / "site/media/b.mp4").read_bytes() == b"masks of b"
    seconds, videos = block.tables
    assert seconds.caption == "Seconds of b" and len(seconds.rows) == 2
    assert videos.rows == [
        ("a", None, 2, 0, 0),
        ("b", None, 2, 1, 25),
        ("c", Link("page", "videos/c.html"), 2, 2, 50),
    ]
    assert _overlay(Material({}, site, tmp_path), "Masks") is None
