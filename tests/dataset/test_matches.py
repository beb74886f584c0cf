"""Recordings of matches from a table and from SoccerNet's folders, with their events."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from unmuted.dataset.events import Event
from unmuted.dataset.matches import check_events, match_id, read_match_manifest, read_soccernet
from unmuted.dataset.soccernet_labels import labels_text
from unmuted.dataset.splits import make_splits
from unmuted.dataset.videos import Dataset, check_experiment, is_video_id
from unmuted.errors import UserError

KINDS = ("Goal", "Penalty")
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}
EVENTS = [Event(1, 1000, "Goal"), Event(1, 2500, "Foul"), Event(2, 3000, "Goal", False)]


def write(folder: Path, *lines: str, files: Mapping[str, bytes] | None = None) -> Path:
    """A manifest of these lines, and recordings a1.mp4, a2.mp4, b1.mp4, b2.mp4 of one byte each."""
    names = ("a1", "a2", "b1", "b2")
    for name in names:
        (folder / f"{name}.mp4").write_bytes(name.encode())
    for name, data in (files or {}).items():
        (folder / name).write_bytes(data)
    (folder / "m.csv").write_text("\n".join(lines) + "\n")
    return folder / "m.csv"


def message(folder: Path, *lines: str, files: Mapping[str, bytes] | None = None) -> str:
    with pytest.raises(UserError) as error:
        read_match_manifest(write(folder, *lines, files=files), KINDS)
    return str(error.value)


def labels(events: list[Event] = EVENTS) -> bytes:
    return labels_text(events, "l/s/g").encode()


def kinds_of(dataset: Dataset, name: str = "events") -> dict[str, list[tuple[str, int]]]:
    return {
        video.video_id: [
            (event["kind"], event["file_milliseconds"]) for event in video.targets[name]
        ]
        for video in dataset.videos
    }


def test_the_halves_of_a_match_are_of_one_unit_and_have_the_events_of_their_half(
    tmp_path: Path,
) -> None:
    manifest = write(
        tmp_path,
        "path,match,events",
        *("a1.mp4,a,a.json", "a2.mp4,a,a.json", "b1.mp4,b,"),
        files={"a.json": labels()},
    )
    dataset = read_match_manifest(manifest, KINDS)
    assert [(v.video_id, v.unit, v.group, v.label) for v in dataset.videos] == [
        ("a-1", "a", "a", "events"),
        ("a-2", "a", "a", "events"),
        ("b-1", "b", "b", None),
    ]
    assert kinds_of(dataset) == {"a-1": [("Goal", 1000)], "a-2": [("Goal", 3000)], "b-1": []}
    assert kinds_of(dataset, "others")["a-1"] == [("Foul", 2500)]
    assert not dataset.videos[1].targets["events"][0]["is_shown"]
    assert [video.targets["has_labels"] for video in dataset.videos] == [True, True, False]
    assert dataset.has_targets and dataset.videos[0].extra["half"] == "1"


def test_one_file_may_hold_both_halves(tmp_path: Path) -> None:
    manifest = write(
        tmp_path,
        *("path,match,events,half_starts", "a1.mp4,a,a.json,5;3121.4"),
        files={"a.json": labels()},
    )
    (video,) = read_match_manifest(manifest, KINDS).videos
    assert video.video_id == "a-12" and video.targets["halves"] == {"1": 5.0, "2": 3121.4}
    times = [event["file_milliseconds"] for event in video.targets["events"]]
    assert times == [6000, 3_124_400]
    assert video.extra["half_starts"] == "5;3121.4"


def test_the_start_of_a_half_is_listed_exactly(tmp_path: Path) -> None:
    """As results/videos.csv has it, to more than six digits."""
    rows = "path,match,half_starts", "a1.mp4,a,0.0;3121.437", "b1.mp4,b,12345.678901;86399.999"
    dataset = read_match_manifest(write(tmp_path, *rows), KINDS)
    listed = [video.extra["half_starts"] for video in dataset.videos]
    assert listed == ["0;3121.437", "12345.678901;86399.999"]
    for video in dataset.videos:
        starts = [float(text) for text in video.extra["half_starts"].split(";")]
        assert starts == list(video.targets["halves"].values())


def test_only_one_half_may_be_there_and_its_column_says_which(tmp_path: Path) -> None:
    manifest = write(
        tmp_path,
        *("path,match,half,events", "a2.mp4,a,2,a.json"),
        files={"a.json": labels()},
    )
    (video,) = read_match_manifest(manifest, KINDS).videos
    assert video.video_id == "a-2"
    assert [event["half"] for event in video.targets["events"]] == [2]
    assert video.targets["rejected_count"] == 2
    assert video.targets["rejected"][0] == ["Goal at 1 s of half 1", "there is no video of half 1"]


def test_rejected_entries_of_a_file_are_counted_once(tmp_path: Path) -> None:
    entry = {"gameTime": "3 - 01:00", "label": "Goal", "position": "60000", "visibility": "visible"}
    content = json.loads(labels()) | {"annotations": [*json.loads(labels())["annotations"], entry]}
    manifest = write(
        tmp_path,
        *("path,match,events", "a1.mp4,a,a.json", "a2.mp4,a,a.json"),
        files={"a.json": json.dumps(content).encode()},
    )
    dataset = read_match_manifest(manifest, KINDS)
    assert [video.targets["rejected_count"] for video in dataset.videos] == [1, 0]
    assert "half 3 is not scored" in dataset.videos[0].targets["rejected"][0][1]


def test_a_table_without_halves_is_of_the_half_of_its_recording(tmp_path: Path) -> None:
    lines = ("path,match,events", "a1.mp4,a,1.csv", "a2.mp4,a,2.csv")
    files = {"1.csv": b"time,kind\n7,Goal\n", "2.csv": b"time,kind\n0:09,Goal\n"}
    dataset = read_match_manifest(write(tmp_path, *lines, files=files), KINDS)
    assert kinds_of(dataset) == {"a-1": [("Goal", 7000)], "a-2": [("Goal", 9000)]}
    lines = ("path,match,events", "a1.mp4,a,1.csv", "a2.mp4,a,1.csv")
    assert "given for both halves, but has rows without a half" in message(
        tmp_path, *lines, files=files
    )


def test_all_files_of_events_are_checked_before_any_job(tmp_path: Path) -> None:
    text = message(
        tmp_path,
        *("path,match,events", "a1.mp4,a,a.json", "b1.mp4,b,b.csv"),
        files={"a.json": b'{"annotations": [{"label": 3}]}', "b.csv": b"time,kind\nsoon,Goal\n"},
    )
    assert "a.json" in text and "annotation 1: expected a label" in text
    assert "b.csv" in text and "line 2: time: expected seconds" in text and "'soon'" in text


def test_unknown_labels_are_told_once(tmp_path: Path) -> None:
    dataset = read_match_manifest(
        write(
            tmp_path,
            *("path,match,events", "a1.mp4,a,1.csv"),
            files={"1.csv": b"time,kind\n7,Goal\n8,Streaker\n9,Streaker\n"},
        ),
        KINDS,
    )
    assert dataset.videos[0].targets["unknown"] == {"Streaker": 2}
    (note,) = dataset.notes
    assert "2 entries have labels that are no kind here: Streaker (2)" in note


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("path", "a1.mp4"), "expected a column 'match', found path"),
        (("path,match,evnts", "a1.mp4,a,"), "unknown column 'evnts'; known are path, match, half"),
        (("path,match", "a1.mp4,"), "line 2: match: expected a name, found none"),
        (("path,match", ",a"), "line 2: path: expected a file, found none"),
        (("path,match", "x.mp4,a"), "line 2: no file"),
        (("path,match,events", "a1.mp4,a,x.json"), "line 2: no file"),
        (("path,match", "a1.mp4,a", "a2.mp4,a", "b1.mp4,a"), "line 4: half 3: a match has the"),
        (("path,match,half", "a1.mp4,a,1", "a2.mp4,a,1"), "half 1 of 'a' is also that of line 2"),
        (("path,match,half", "a1.mp4,a,both"), "half: expected 1 or 2, found 'both'"),
        (("path,match,half_starts", "a1.mp4,a,9;3"), "expected rising seconds, found '9;3'"),
        (("path,match,half_starts", "a1.mp4,a,-1"), "half_starts: expected seconds such as"),
        (("path,match,half_starts", "a1.mp4,a,nan"), "half_starts: expected seconds such as"),
        (("path,match,split", "a1.mp4,a,dev"), "split 'dev' is none of train, val, test"),
        (
            ("path,match,split", "a1.mp4,a,train", "a2.mp4,a,test"),
            "line 3: 'a' is in test and, by line 2, in train; one match belongs in one split",
        ),
        (("path,match", "a1.mp4,a", "a1.mp4,b"), "is the same file as"),
        (("path,match", "a1.mp4,Final", "b1.mp4,final"), "differ only in case"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(
    tmp_path: Path, lines: tuple[str, ...], expected: str
) -> None:
    assert expected in message(tmp_path, *lines)


def test_the_same_file_by_a_link_is_found(tmp_path: Path) -> None:
    manifest = write(tmp_path, "path,match", "a1.mp4,a", "link.mp4,b")
    os.link(tmp_path / "a1.mp4", tmp_path / "link.mp4")
    with pytest.raises(UserError, match=r"link\.mp4 is the same file as .*a1\.mp4 of line 2"):
        read_match_manifest(manifest, KINDS)


@pytest.mark.parametrize(
    "name", ["../../etc", "a/b", 'quo"te', "it's", "x" * 200, "ü" * 90, "a.ledger.csv", "é; rm"]
)
def test_a_match_of_any_name_has_an_id_that_can_name_folders(tmp_path: Path, name: str) -> None:
    row = name.replace('"', '""')
    manifest = write(tmp_path, "path,match", f'a1.mp4,"{row}"', f'a2.mp4,"{row}"', "b1.mp4,b")
    dataset = read_match_manifest(manifest, KINDS)
    for video in dataset.videos:
        assert is_video_id(video.video_id) and is_video_id(video.unit)
    assert {video.unit for video in dataset.videos} == {"b", match_id(name)}


def test_splits_are_made_by_match_and_kept(tmp_path: Path) -> None:
    lines = ["path,match,events"]
    files = {"e.json": labels()}
    for i in range(10):
        for half in (1, 2):
            files[f"m{i}_{half}.mp4"] = f"{i} {half}".encode()
            lines.append(f"m{i}_{half}.mp4,m{i},e.json")
    dataset = read_match_manifest(write(tmp_path, *lines, files=files), KINDS)
    check_experiment(dataset)  # one class is enough
    splits = make_splits(dataset.videos, SHARES, 0)
    by_match = {video.unit: set() for video in dataset.videos}
    for video in dataset.videos:
        by_match[video.unit].add(splits[video.video_id])
    assert all(len(found) == 1 for found in by_match.values())
    kept = {video.group: splits[video.video_id] for video in dataset.videos[:10]}
    again = make_splits(dataset.videos, SHARES, 1, kept)
    assert all(again[video.video_id] == kept[video.group] for video in dataset.videos[:10])


def test_a_split_without_an_event_of_these_kinds_is_named(tmp_path: Path) -> None:
    lines = ("path,match,events,split", "a1.mp4,a,1.csv,train", "a2.mp4,b,2.csv,val")
    files = {"1.csv": b"time,kind\n7,Goal\n", "2.csv": b"time,kind\n7,Foul\n"}
    manifest = write(tmp_path, *lines, "b1.mp4,c,1.csv,test", files=files)
    dataset = read_match_manifest(manifest, KINDS)
    splits = make_splits(dataset.videos, SHARES, 0)
    with pytest.raises(UserError, match="the split 'val' has no event of the kinds in") as error:
        check_events(dataset, splits)
    assert "'train'" not in str(error.value) and "'test'" not in str(error.value)


def test_without_any_labels_nothing_can_be_trained(tmp_path: Path) -> None:
    dataset = read_match_manifest(write(tmp_path, "path,match", "a1.mp4,a"), KINDS)
    with pytest.raises(UserError, match=r"found none \(.*no match has a file of events\)"):
        check_experiment(dataset)


# --- SoccerNet ------------------------------------------------------------------------------------


def soccernet(folder: Path, games: int = 4) -> Path:
    for i in range(games):
        game = folder / "league" / "2014-2015" / f"2015-01-0{i + 1} - 18-00 A 1 - 0 B"
        game.mkdir(parents=True)
        for half in (1, 2):
            (game / f"{half}_224p.mkv").write_bytes(f"{i} {half}".encode())
        (game / "Labels-v2.json").write_bytes(labels())
    return folder


def split_lists(folder: Path, games: Mapping[str, list[int]]) -> dict[str, Path]:
    paths = {}
    for split, numbers in games.items():
        names = [f"2015-01-0{i + 1} - 18-00 A 1 - 0 B" for i in numbers]
        paths[split] = folder / f"{split}.json"
        paths[split].write_text(json.dumps({"league": {"2014-2015": names}}))
    return paths


def test_soccernets_folders_and_lists_are_read_as_they_are(tmp_path: Path) -> None:
    folder = soccernet(tmp_path / "SoccerNet")
    lists = split_lists(tmp_path, {"train": [0], "val": [1], "test": [2]})
    dataset = read_soccernet(folder, lists, KINDS)
    assert len(dataset.videos) == 8
    check_experiment(dataset)
    by_split = {video.extra["match"][-24:-16]: video.split for video in dataset.videos}
    assert sorted(map(str, by_split.values())) == ["None", "test", "train", "val"]
    assert [video.label for video in dataset.videos].count(None) == 2
    assert "1 games are in none of the lists: predicted, not scored" in dataset.notes
    half = next(video for video in dataset.videos if video.video_id.endswith("-2"))
    assert half.path.name == "2_224p.mkv" and half.targets["halves"] == {"2": 0.0}
    assert [event["file_milliseconds"] for event in half.targets["events"]] == [3000]


def test_a_game_in_two_lists_is_refused(tmp_path: Path) -> None:
    lists = split_lists(tmp_path, {"train": [0, 1], "val": [1], "test": [2]})
    with pytest.raises(UserError, match="is in train and in val"):
        read_soccernet(soccernet(tmp_path / "SoccerNet"), lists, KINDS)


def test_without_lists_splits_are_made(tmp_path: Path) -> None:
    dataset = read_soccernet(soccernet(tmp_path / "SoccerNet"), {}, KINDS)
    check_experiment(dataset)
    assert set(make_splits(dataset.videos, SHARES, 0).values()) == {"train", "val", "test"}
