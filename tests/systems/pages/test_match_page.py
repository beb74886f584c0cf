"""The page of a match says what was found in it, and why what is absent is; text stays text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from small_project import make_config, row, write_ledgers
from systems.pages.test_page import HOSTILE, Reader
from unmuted.dataset.events import Event
from unmuted.dataset.soccernet_labels import labels_text
from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.executor import Artifact
from unmuted.engine.ledger import LedgerEntry
from unmuted.pipeline.registry import open_run
from unmuted.systems.highlights.picking import reel_metrics
from unmuted.systems.highlights.segments import Segment
from unmuted.systems.pages.match_page_job import WORDS, Match, MatchDrawer
from unmuted.systems.pages.one_match import read_stages, write_page_of

CONFIG = {"media": {"sandbox": "auto"}}
HALVES = ("m-1", "m-2")
OF_RECORDINGS = ("probe", "events", "step_visual", "step_sound", "spots")
FILM = b"no video: no picture is shown before it plays"
TABLE = "# arm: both\nrank,recording,kind,score\n1,m-1,Goal,0.9000\n2,m-2,Card,0.4000\n"


def segment(recording: str, start: int, end: int) -> dict[str, Any]:
    kinds = ["Card", "Goal"]
    return {"recording": recording, "start_ms": start, "end_ms": end, "score": 0.9, "kinds": kinds}


def event(milliseconds: int, kind: str = "Goal") -> dict[str, Any]:
    return {"half": 1, "file_milliseconds": milliseconds, "kind": kind, "is_shown": True}


class Made:
    """A match of two halves: the first has two events, of which the reel shows one."""

    def __init__(self, folder: Path, text: str = "the match") -> None:
        self.folder, self.inputs = folder, {}
        self.rows: dict[str, LedgerEntry] = {}
        self.of_recordings: dict[str, dict[str, LedgerEntry]] = {name: {} for name in HALVES}
        for half, name in enumerate(HALVES, 1):
            known = {"match": text, "halves": {str(half): 0.0}, "seconds": 40.0}
            events = [event(1500), event(9000, text)] if half == 1 else []
            self.add("events", {**known, "has_labels": half == 1, "events": events}, name)
            for stage in ("probe", "step_visual", "step_sound", "spots"):
                self.add(stage, {}, name)
        reel = {"shown_events": 2, "shown_events_in_reel": 1}
        self.picked: dict[str, Any] = {
            "arms": dict.fromkeys(HALVES, "both"),
            "kinds": ["Goal", "Card"],
            "reason": "",
            "segments": [segment("m-1", 0, 6000), segment("m-2", 10_000, 12_500)],
            "highlights.csv": TABLE,
            "trained_on": False,
            "metrics.json": json.dumps({"reel": reel}),
        }
        self.add("match_highlights", self.picked)
        for stage in ("timelines", "reels", "reel_copies"):
            self.add(stage, lambda path: path.write_bytes(FILM))

    def add(self, stage: str, payload: object, recording: str = "") -> None:
        path = self.folder / f"{stage}{recording}.{'json' if isinstance(payload, dict) else 'bin'}"
        digest, size = write_artifact(path, payload, "")
        row = LedgerEntry(recording or "m", "ok", "", "", digest, size, 0.0)
        key = f"{stage}/{recording}" if recording else stage
        self.inputs[key] = Artifact(path, row)
        (self.of_recordings[recording] if recording else self.rows)[stage] = row

    def lose(self, stage: str, reason: str) -> None:
        whose = HALVES if stage in OF_RECORDINGS else ("",)
        for name in whose:
            self.inputs.pop(f"{stage}/{name}" if name else stage, None)
            rows = self.of_recordings[name] if name else self.rows
            rows[stage] = LedgerEntry(name or "m", "timeout", reason, "", "", 0, 0.0)

    def draw(self, has_labels: bool = True) -> Reader:
        return Reader(self.page(has_labels))

    def page(self, has_labels: bool = True) -> str:
        recordings = {name: Video(name, None, None, None, "m", unit="m") for name in HALVES}
        splits = dict.fromkeys(HALVES, "test") if has_labels else {}
        match = Match("m", recordings, splits, self.inputs, self.rows, self.of_recordings)
        return MatchDrawer(CONFIG, has_labels).draw(match)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_the_tables_of_a_match_are_those_of_its_artifacts(made: Made) -> None:
    page = made.draw()
    assert "2 segments, 8.5 s" in page.text and "2 labelled, 50 % of them in the reel" in page.text
    begins = [float(row["in the reel at (s)"]) for row in page.table("segments")]
    assert begins == [0, 6]
    assert page.table("segments")[1]["recording"] == "m-2"
    assert [row["kind"] for row in page.table("moments")] == ["Goal", "Card"]
    assert [(row["time (s)"], row["in the reel"]) for row in page.table("events")] == [
        ("1.5", "True"),
        ("9.0", "False"),
    ]
    (video,) = page.named("video")
    assert video["aria-label"] == "The reel of m" and "poster" not in video
    assert "labelled events" not in page.text.partition("Recordings")[0]
    assert "Every stage that this page shows made its artifact" in page.text


def test_the_events_of_a_match_are_in_the_reel_as_its_metrics_count_them(made: Made) -> None:
    known = made.inputs["events/m-1"].json()
    times = 500, 4000, 4001, 35_999, 36_001, 39_000
    made.add("events", known | {"events": [event(time) for time in times]}, "m-1")
    shown = [Segment("m-1", 0, 6000, ()), Segment("m-1", 32_000, 40_000, ())]
    segments = [segment(one.recording, one.start, one.end) for one in shown]
    made.add("match_highlights", made.picked | {"segments": segments})
    in_reel = [row["in the reel"] == "True" for row in made.draw().table("events")]
    assert in_reel == [True, True, False, False, True, True]
    events = [Event(1, time, "Goal") for time in times]
    found = reel_metrics(shown, {"m-1": events}, {"m-1": 40_000})
    assert found["shown_events_in_reel"] == sum(in_reel)


def test_a_match_that_was_trained_on_and_a_run_without_labels_say_so(made: Made) -> None:
    assert "trained or chosen on this match" not in made.draw().text
    del made.picked["metrics.json"]  # as of an unlabelled copy of a match that was trained on
    made.add("match_highlights", made.picked | {"trained_on": True})
    text = made.draw(has_labels=False).text
    assert "trained or chosen on this match" in text
    assert "No match of this run has labelled events" in text


@pytest.mark.parametrize("lost", sorted(WORDS))
def test_any_artifact_of_a_match_may_be_absent(made: Made, lost: str) -> None:
    made.lose(lost, "stopped after 300 s")
    text = made.draw().text
    whose = HALVES if lost in OF_RECORDINGS else ("m",)
    for name in whose:
        assert f"{WORDS[lost]} {name} {lost} timeout stopped after 300 s" in text
    why = "There is no reel to play: timeout stopped after 300 s"
    assert (why in text) == (lost == "reel_copies")


@pytest.mark.parametrize("split", ["", "test"])
def test_a_match_of_a_run_that_trains_no_spotter_says_what_was_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    """Without labels, and with labels where all matches are of one split."""
    monkeypatch.chdir(tmp_path)
    events = [Event(1, 1000, "Goal")]
    (tmp_path / "events.json").write_text(labels_text(events, "l/s/g"))
    lines = ["path,match,events,split"]
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp4").write_bytes(name.encode())
        lines.append(f"{name}.mp4,{name},{'events.json' if split else ''},{split}")
    matches = tmp_path / "matches.csv"
    matches.write_text("\n".join([*lines, ""]))
    config = make_config(tmp_path, {}) | {"videos": {"source": "matches"}}
    run = open_run(config | {"matches": {"source": "manifest", "manifest": str(matches)}})
    assert run.has_labels == bool(split)
    unit = str(next(iter(run.dataset.videos.values())).unit)
    rows = {name: row(name, None, "no_video") for name in run.dataset.videos}
    for stage in read_stages(run):
        write_ledgers(run, stage, rows)
    write_page_of(run, unit, tmp_path / "page.html")
    page = Reader((tmp_path / "page.html").read_text())
    reason = "no_fits labels and splits allow no model to be trained"
    assert f"There is no reel to play: {reason}" in page.text
    for stage in ("spots", "match_highlights", "timelines", "reels", "reel_copies"):
        assert f"{stage} {reason}" in page.text
    assert "Nothing was looked for in this match" in page.text
    assert "cannot be measured" not in page.text and "Every stage" not in page.text


def test_a_match_without_a_reel_says_why(made: Made) -> None:
    made.lose("reels", "no_highlights")
    made.lose("reel_copies", "no_highlights")
    why = "no moment reaches the threshold of its kind"
    made.add("match_highlights", made.picked | {"segments": [], "reason": why})
    page = made.draw()
    assert f"There is no reel to play: {why}" in page.text and not page.named("video")


def test_hostile_names_of_matches_and_kinds_are_text(tmp_path: Path) -> None:
    made = Made(tmp_path, HOSTILE)
    made.lose("reels", HOSTILE)
    page, plain = made.draw(), Made(tmp_path).draw()
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements}
    assert not page.named("script") and "".join(page.texts).count(HOSTILE) >= 3
