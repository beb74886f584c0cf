"""Match highlights as a whole run: recordings and labels as SoccerNet has them, up to the reels.

One run of a small world, many assertions; then one match of a user without labels, whose highlights
are found by loudness and by the spotter that the first run trained.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import yaml

from runs.corpus import Corpus, libraries_loaded_without_work, rewritten
from runs.matches import (
    EXPORTS,
    FITS,
    PER_MATCH,
    PER_RECORDING,
    REPORT,
    SPOTTER,
    make_manifest,
    make_soccernet,
    planned,
    table_of,
)
from unmuted.dataset.events import Event
from unmuted.dataset.matches import match_id
from unmuted.demo_world.matches.encode import render_recording
from unmuted.demo_world.matches.spec import RecordingSpec, events_of
from unmuted.demo_world.matches.vocabulary import KINDS
from unmuted.engine.artifacts import read_json
from unmuted.evaluation.schema import check_report
from unmuted.media.ffmpeg import binary
from unmuted.pipeline.registry import STAGES, open_run
from unmuted.systems.highlights.picking import COLUMNS
from unmuted.systems.highlights.predictions import read_predictions
from unmuted.systems.highlights.shown import shown_lines
from unmuted.systems.highlights.spotting_metric import average_map, count_spots

pytestmark = pytest.mark.workflow
Copy = Callable[[Corpus], Corpus]
VIDEO = "{half}_224p.mkv"
SITE = "results/report/index.html"
HOSTILE_MATCH = '../../Héim\'s "A" & $(touch hacked) %03d'
HOSTILE_FILES = ("-first half; 'it''s'.mkv", "..second %s [x]:\\,é.mkv")


def units(split: str) -> list[str]:
    """The ids of the matches of a split."""
    return sorted({match_id(spec.game) for spec in planned() if spec.split == split})


def file_of(corpus: Corpus, spec: RecordingSpec) -> Path:
    return corpus.folder / "games" / spec.game / VIDEO.format(half=spec.half)


def id_of(spec: RecordingSpec) -> str:
    return f"{match_id(spec.game)}-{spec.half}"


def exported(corpus: Corpus, unit: str, name: str) -> Path:
    return corpus.results / "by_match" / unit / name


def targets() -> list[str]:
    files = [f"results/by_match/{unit}/{name}" for unit in units("test") for name in EXPORTS]
    return ["highlights", SPOTTER, *files]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The small world with everything; not to be changed."""
    corpus = make_soccernet(tmp_path_factory.mktemp("matches") / "found")
    corpus.run(*targets())
    return corpus


@pytest.fixture(scope="module")
def report(found: Corpus) -> dict:
    return json.loads((found.folder / REPORT).read_text())


# --- one run, many assertions ---------------------------------------------------------------------


def test_the_report_follows_its_schema_and_counts_what_was_drawn(report: dict) -> None:
    check_report(report, "highlights_metrics.schema.yaml")
    assert report["exploratory"].startswith("exploratory: 2 seeds")
    data, tested = report["data"], [spec for spec in planned() if spec.split == "test"]
    assert data["matches"] == {"train": 3, "val": 1, "test": 2}
    assert data["recordings"] == {"train": 6, "val": 2, "test": 4}
    assert data["halves"] == len(tested) == 4 and data["excluded"] == {}
    assert data["excluded_events"] == 0
    assert data["seconds"] == pytest.approx(sum(spec.seconds for spec in tested), abs=1.5)
    counted = {kind: {"shown": 0, "unshown": 0} for kind in KINDS}
    for event in (event for spec in tested for event in events_of(spec)):
        counted[event.kind]["shown" if event.is_shown else "unshown"] += 1
    assert report["data"]["events"] == counted
    assert set(report["arms"]) == {"video_only", "both", "mean_audio", "generated_audio"}
    assert all(len(arm["tight"]["per_seed"]) == 2 for arm in report["arms"].values())
    assert not any(arm["leaks"] for arm in report["arms"].values())
    primary = [name for name, contrast in report["contrasts"].items() if contrast["primary"]]
    assert primary and all("generated" in name and "mean" in name for name in primary)


def test_the_ensemble_of_the_report_is_what_the_files_of_matches_hold(
    found: Corpus, report: dict
) -> None:
    matches = []
    for unit in units("test"):
        records = [read_json(path) for path in found.results.glob(f"events/*/{unit}-*.json")]
        events = [
            Event(event["half"], event["milliseconds"], event["kind"], event["is_shown"])
            for record in records
            for event in record["events"]
        ]
        spots = read_predictions(exported(found, unit, "results_spotting.json")).spots
        assert len(records) == 2 and events and spots
        matches.append((events, spots))
    assert set(report["ensembles"]) == set(report["arms"]) and report["reel"]["arm"] == "both"
    ensemble = report["ensembles"]["both"]
    assert ensemble["seeds_averaged"] == 2
    counts = count_spots(matches, report["kinds"])
    for metric in ("tight", "loose"):
        value = float(average_map(counts, metric)[0, 0])
        assert ensemble[metric]["value"] == pytest.approx(value, abs=1e-6)
    chance = report["chance"]
    assert {"shown", "unshown", "any_kind", "f1_5s"} < set(chance)


def test_the_target_names_a_reel_or_says_why_there_is_none(
    found: Corpus, report: dict, copy_of: Copy
) -> None:
    """No score reaches 1, so no test match has a reel: the target ends all the same."""
    lines = shown_lines(report, found.results)
    assert lines[0].removeprefix("test match ").removesuffix(":") in units("test")
    assert [Path(line.strip()).suffix for line in lines[1:3]] == [".mp4", ".png"]
    assert all(Path(line.strip()).is_file() for line in lines[1:3])
    corpus = copy_of(found)
    corpus.change_config(highlights={"reel": {"threshold": 1.0}})
    corpus.run("highlights")
    rows = corpus.rows("reels")
    assert {rows[unit].status for unit in units("test")} == {"no_highlights"}
    changed = json.loads((corpus.folder / REPORT).read_text())
    lines = shown_lines(changed, corpus.results)
    assert lines[0] == "no test match has a reel:"
    for unit, line in zip(units("test"), lines[1:], strict=True):
        assert line.startswith(f"  {unit}: no moment reaches highlights.reel.threshold, 1; ")
    assert changed["ensembles"] == report["ensembles"]


def test_every_stage_has_run_and_nothing_is_left_to_do(found: Corpus) -> None:
    with chdir(found.folder):
        stages = open_run(yaml.safe_load(Path("config.yaml").read_text())).registry.stages
    made = {stage for stage in (*PER_RECORDING, *PER_MATCH, *FITS) if found.artifacts(stage)}
    assert made == {*PER_RECORDING, *PER_MATCH, *FITS} <= set(stages)
    for stage in PER_RECORDING:
        assert found.rows(stage).keys() == {id_of(spec) for spec in planned()}
    for stage in PER_MATCH:
        assert found.rows(stage).keys() == {match_id(spec.game) for spec in planned()}
    assert "Nothing to be done" in found.run(*targets()).stderr


def test_a_job_with_nothing_to_do_loads_no_model_library(found: Corpus, copy_of: Copy) -> None:
    """On a copy: jobs out of their order leave ledgers that are newer than what follows."""
    scripts = {STAGES[stage].script for stage in (*PER_RECORDING, *PER_MATCH, *FITS)}
    loaded = libraries_loaded_without_work(copy_of(found), scripts)
    assert loaded.keys() == scripts
    assert {script: names for script, names in loaded.items() if names} == {}


def test_sound_and_pictures_that_are_missing_are_said(found: Corpus) -> None:
    sound, picture = found.rows("step_sound"), found.rows("step_visual")
    expected = {"ok": "ok", "late": "ok", "no_stream": "no_stream", "silent": "silent"}
    for spec in planned():
        assert sound[id_of(spec)].status == expected[spec.audio], spec.game
        assert picture[id_of(spec)].status == ("damaged" if spec.damage else "ok"), spec.game
    (damaged,) = (spec for spec in planned() if spec.damage)
    assert "steps" in picture[id_of(damaged)].reason
    assert {row.status for row in found.rows("spots").values()} == {"ok"}
    (silent,) = (s for s in planned() if s.split == "test" and s.audio == "no_stream")
    header, _ = table_of(exported(found, match_id(silent.game), "highlights.csv"))
    assert f"{id_of(silent)}: both (no sound)" in header or "no sound" in header


@pytest.mark.parametrize("unit", units("test"))
def test_the_files_of_a_match(found: Corpus, unit: str) -> None:
    header, rows = table_of(exported(found, unit, "highlights.csv"))
    picked = read_json(next((found.results / "match_highlights").rglob(f"{unit}.json")))
    assert header.startswith("# arm") and ": both" in header
    assert rows and tuple(rows[0]) == COLUMNS
    assert [int(row["rank"]) for row in rows] == [*range(1, len(rows) + 1)]
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
    lengths = {id_of(spec): spec.seconds for spec in planned()}
    for row in rows:
        assert row["kind"] in KINDS and row["recording"].endswith(f"-{row['half']}")
        times = [float(row[key]) for key in ("start_s", "time_s", "end_s")]
        assert 0 <= times[0] <= times[1] <= times[2] <= lengths[row["recording"]] + 0.1

    predictions = read_predictions(exported(found, unit, "results_spotting.json"))
    assert not predictions.unknown
    times = {(spot.half, spot.milliseconds, spot.kind) for spot in predictions.spots}
    assert times >= {
        (int(row["half"]), round(1000 * float(row["time_s"])), row["kind"]) for row in rows
    }
    metrics = json.loads(exported(found, unit, "metrics.json").read_text())
    assert metrics["recordings"] == [f"{unit}-1", f"{unit}-2"]
    assert 0 <= metrics["spotting"]["average_map"]["tight"]["all"] <= 1
    assert metrics["reel"]["segments"] == len(picked["segments"])

    picture = cv2.imread(str(exported(found, unit, "timeline.png")))
    assert picture is not None and min(picture.shape[:2]) > 200 and picture.std() > 10
    seconds = sum(s["end_ms"] - s["start_ms"] for s in picked["segments"]) / 1000
    check_reel(exported(found, unit, "reel.mp4"), seconds, len(picked["segments"]))


def check_reel(path: Path, seconds: float, segments: int, has_sound: bool = True) -> None:
    """Play a reel: a browser's formats, picture and sound of one length, without an error."""
    command = [binary(), "-hide_banner", "-i", path, "-map", "0", "-f", "null", "-"]
    played = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "Video: h264" in played and "yuv420p" in played
    assert ("Audio: aac" in played) == has_sound
    hours, minutes, rest = re.search(r"Duration: (\d+):(\d+):([\d.]+)", played).groups()
    duration = 3600 * int(hours) + 60 * int(minutes) + float(rest)
    assert segments and duration == pytest.approx(seconds, abs=0.05 * segments + 0.1)
    assert path.read_bytes()[4:8] == b"ftyp" and path.read_bytes().index(b"moov") < 5_000


def test_a_match_that_changed_is_made_again_alone_and_no_fit_is_visited(
    found: Corpus, copy_of: Copy
) -> None:
    """A recording of a test match is replaced by another one."""
    corpus = copy_of(found)
    spec = next(s for s in planned() if s.split == "test" and not s.damage and s.audio == "ok")
    other = replace(spec, seed=spec.seed + 1, look_seed=spec.look_seed + 1)
    render_recording(other, file_of(corpus, spec))
    stages = (*PER_RECORDING, *PER_MATCH, *FITS)
    before = corpus.artifacts(*stages)
    done = corpus.run(*targets())
    changed = rewritten(before, corpus.artifacts(*stages))
    name, unit = id_of(spec), match_id(spec.game)
    own = {f"{stage}/{name}" for stage in PER_RECORDING}
    own |= {f"{stage}/{unit}" for stage in PER_MATCH}
    assert {path.rsplit(".", 1)[0] for path in changed} <= own
    assert {path.split("/")[0] for path in changed} >= {"step_visual", "step_sound", "spots"}
    for rule in ("train_spotter", "select_spotter", "train_step_generator", "fit_step_projection"):
        assert f"rule {rule}:" not in done.stderr, rule


def test_the_demo_is_the_same_world_as_its_soccernet_folder(found: Corpus, tmp_path: Path) -> None:
    """Events, halves and splits, under the names that each source has."""
    read = yaml.safe_load((found.folder / "config.yaml").read_text())
    drawn = yaml.safe_load((found.folder / "config.yaml").read_text())
    drawn["matches"] = {"source": "demo", "demo": {"matches": 6, "seconds": [38, 42], "seed": 7}}
    known = []
    for config, folder in ((read, found.folder), (drawn, tmp_path)):
        with chdir(folder):
            dataset = open_run(config).dataset
            videos, splits = dataset.videos.values(), dict(dataset.splits)
        known.append(
            {
                (video.targets["match"], half): (
                    splits[video.video_id],
                    video.targets["events"],
                    video.targets["others"],
                )
                for video in videos
                for half in video.targets["halves"]
            }
        )
    assert known[0] == known[1] and len(known[0]) == 12


# --- one match of a user, without labels ----------------------------------------------------------


@pytest.fixture(scope="module")
def loud(found: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two halves of other rates and channels under hostile names; loudness has found highlights."""
    halves = [spec for spec in planned() if spec.half == 1 and spec.audio == "ok"]
    first = halves[0]
    second = next(spec for spec in halves if spec.fps != first.fps)
    files = [
        (file_of(found, spec), name)
        for spec, name in zip((first, second), HOSTILE_FILES, strict=True)
    ]
    folder = tmp_path_factory.mktemp("user") / "work"
    corpus = make_manifest(
        folder, files, HOSTILE_MATCH, method="loudness", reel={"max_seconds": 30}
    )
    unit, names = match_id(HOSTILE_MATCH), ("highlights.csv", "reel.mp4", "page.html")
    corpus.run(*(f"results/by_match/{unit}/{name}" for name in names), SITE)
    return corpus


def test_loudness_makes_a_reel_of_one_match_without_labels_or_training(loud: Corpus) -> None:
    unit = match_id(HOSTILE_MATCH)
    header, rows = table_of(exported(loud, unit, "highlights.csv"))
    assert header == "# arm: loudness" and {row["half"] for row in rows} == {"1", "2"}
    assert {row["kind"] for row in rows} == {"Loud moment"}
    picked = read_json(next((loud.results / "match_highlights").rglob("*.json")))
    seconds = sum(s["end_ms"] - s["start_ms"] for s in picked["segments"]) / 1000
    assert seconds <= 30
    check_reel(exported(loud, unit, "reel.mp4"), seconds, len(picked["segments"]))
    assert "metrics.json" not in picked and not (loud.results / "spotter").exists()
    assert not [path for path in loud.folder.rglob("*") if path.name == "hacked"]
    assert not list(loud.folder.parent.glob("H*")), "a match's name left the results"
    done = loud.run(f"results/by_match/{unit}/metrics.json", check=False)
    assert done.returncode != 0
    assert f"{unit} has no metrics.json: it has no labelled events" in done.stdout + done.stderr


def test_a_match_without_labels_has_its_page_and_a_site_that_says_so(loud: Corpus) -> None:
    """The page of the site is that of results/by_match/, with links of the site at its top."""
    unit, site = match_id(HOSTILE_MATCH), (loud.folder / SITE).parent
    assert "Nothing could be measured, since no match has labelled events" in (
        site / "index.html"
    ).read_text(encoding="utf-8")
    page = exported(loud, unit, "page.html").read_text(encoding="utf-8")
    (drawn,) = (loud.results / "match_pages").rglob("*.html")
    assert drawn.read_text(encoding="utf-8") == page
    assert "<video" in page and "No match of this run has labelled events" in page
    assert (site / "matches" / f"{unit}.html").is_file()
    assert {path.stem for path in (site / "videos").iterdir()} == {f"{unit}-1", f"{unit}-2"}
    rows = (site / "data" / "videos-0001.js").read_text()
    assert rows.count(f"matches/{unit}.html") == 2 and "no_picture" not in rows
    assert (site / "data" / "pictures-0001.js").is_file()
    assert not (loud.results / "splits.csv").exists()


def test_the_trained_spotter_finds_highlights_of_another_run(
    found: Corpus, loud: Corpus, copy_of: Copy
) -> None:
    corpus, unit = copy_of(loud), match_id(HOSTILE_MATCH)
    shutil.copytree(found.folder / SPOTTER, corpus.folder / "spotter")
    corpus.change_config(highlights={"method": "spotter", "spotter": {"path": "spotter"}})
    steps = corpus.artifacts("step_visual", "step_sound")
    target = f"results/by_match/{unit}/highlights.csv"
    corpus.run(target)
    assert corpus.artifacts("step_visual", "step_sound") == steps  # only scored again
    header, rows = table_of(exported(corpus, unit, "highlights.csv"))
    assert header == "# arm: ready_spotter" and {row["kind"] for row in rows} <= set(KINDS)
    assert len({row["kind"] for row in rows}) > 1
