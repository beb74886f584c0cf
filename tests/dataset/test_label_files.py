"""Labels of matches: SoccerNet's two versions and tables, what is refused, rejected, counted."""

from __future__ import annotations

import contextlib
import copy
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unmuted.dataset.event_table import event_table_text
from unmuted.dataset.events import KINDS, Event
from unmuted.dataset.label_files import read_labels
from unmuted.dataset.labels import LARGEST_FILE, Labels
from unmuted.dataset.match_time import game_time, parse_time
from unmuted.dataset.soccernet_labels import labels_text
from unmuted.errors import UserError

GOAL = {
    "gameTime": "1 - 05:29",
    "label": "Goal",
    "position": "329650",
    "team": "home",
    "visibility": "visible",
}
ONE_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def read(
    folder: Path, *annotations: object, name: str = "Labels-v2.json", **more: object
) -> Labels:
    path = folder / name
    content = {"UrlLocal": "league/season/game", **more, "annotations": annotations}
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_labels(path)


def refusal(folder: Path, *annotations: object) -> str:
    with pytest.raises(UserError) as caught:
        read(folder, *annotations)
    return str(caught.value)


def table(folder: Path, text: str) -> Labels:
    path = folder / "events.csv"
    path.write_text(text, encoding="utf-8")
    return read_labels(path)


def test_reads_what_soccernet_publishes(tmp_path: Path) -> None:
    second = {**GOAL, "gameTime": "2 - 00:00", "position": "0", "visibility": "not shown"}
    labels = read(
        *(tmp_path, second, GOAL, {**GOAL, "label": "Yellow->red card", "team": "not applicable"}),
        gameDate="21/02/2015 - 18:00",
        gameScore="1 - 1",
    )
    assert labels.events == (
        Event(1, 329_650, "Goal"),
        Event(1, 329_650, "Yellow->red card"),
        Event(2, 0, "Goal", is_shown=False),
    )
    assert labels.rejected == labels.notes == ()


def test_reads_the_first_version(tmp_path: Path) -> None:
    rows = {
        "soccer-ball": "Goal",
        "soccer-ball-own": "Goal",
        "y-card": "Yellow card",
        "r-card": "Red card",
        "yr-card": "Yellow->red card",
        "substitution-in": "Substitution",
    }
    entries = [
        {"gameTime": f"1 - 0{i}:10", "label": label, "team": "home"} for i, label in enumerate(rows)
    ]
    labels = read(tmp_path, *entries, {**entries[0], "label": "funfact"}, name="Labels.json")
    assert [event.kind for event in labels.events] == list(rows.values())
    assert labels.events[1] == Event(1, 70_000, "Goal")
    assert labels.unknown == {"funfact": 1}
    assert any("7 entries have no position" in note for note in labels.notes)


def test_names_every_entry_that_is_wrong_in_one_error(tmp_path: Path) -> None:
    text = refusal(
        tmp_path,
        GOAL,
        {**GOAL, "position": 329_650},
        {**GOAL, "position": ""},
        {**GOAL, "position": "5:29"},
        {**GOAL, "position": None},
        {**GOAL, "visibility": "hidden"},
        {**GOAL, "visibility": ["visible"]},
        {**GOAL, "gameTime": "05:29"},
        {key: value for key, value in GOAL.items() if key != "gameTime"},
        {**GOAL, "label": 3},
        "Goal",
        {**GOAL, "position": "٣٢٩"},
    )
    assert text.startswith(f"{tmp_path / 'Labels-v2.json'}: 11 problem(s)")
    for line in (
        "annotation 2: position: expected whole milliseconds as text, such as '329000', found the "
        "number 329650",
        "annotation 3: position: expected whole milliseconds as text, such as '329000', found the "
        "text ''",
        "annotation 5: position: expected whole milliseconds as text, such as '329000', found null",
        "annotation 6: visibility: expected 'visible' or 'not shown', found the text 'hidden'",
        "annotation 7: visibility: expected 'visible' or 'not shown', found a list",
        "annotation 8: gameTime: expected half, minutes and seconds such as '1 - 05:29', found the "
        "text '05:29'",
        "annotation 9: gameTime: expected half, minutes and seconds such as '1 - 05:29', found "
        "none",
        "annotation 10: expected a label that is not empty",
        "annotation 11: expected an object, found the text 'Goal'",
    ):
        assert line in text
    assert "annotation 1:" not in text


def test_rejects_events_that_have_no_place_and_counts_unknown_labels(tmp_path: Path) -> None:
    labels = read(
        tmp_path,
        GOAL,
        {**GOAL, "gameTime": "3 - 01:00"},
        {**GOAL, "position": "-500"},
        {**GOAL, "label": "Goooal", "position": 7},  # not read any further
        {**GOAL, "label": "Goooal"},
        {**GOAL, "gameTime": "2 - 45:00", "position": "2700000"},
    )
    assert labels.rejected == (
        "annotation 2: half 3 is not scored, only 1 and 2 are",
        "annotation 3: -0.5 s is before the start of its half",
    )
    assert labels.unknown == {"Goooal": 2}
    assert any("no kind here: Goooal (2)" in note for note in labels.notes)
    inside = labels.within({1: 329.65})
    assert inside.events == (Event(1, 329_650, "Goal"),)  # the last moment is inside
    assert inside.rejected[2:] == ("Goal at 2700 s of half 2: there is no video of half 2",)
    outside = labels.within({1: 329.6, 2: 2700.5})
    assert outside.events == (Event(2, 2_700_000, "Goal"),)
    assert outside.rejected[2:] == (
        "Goal at 329.65 s of half 1: the video of its half ends at 329.6 s",
    )


def test_an_event_given_twice_counts_once_and_the_later_visibility_wins(tmp_path: Path) -> None:
    labels = read(tmp_path, GOAL, {**GOAL, "visibility": "not shown"}, {**GOAL, "label": "Penalty"})
    assert labels.events == (
        Event(1, 329_650, "Goal", is_shown=False),
        Event(1, 329_650, "Penalty"),
    )
    assert any("1 events occur twice" in note for note in labels.notes)


def test_a_position_in_seconds_is_noticed(tmp_path: Path) -> None:
    labels = read(tmp_path, {**GOAL, "position": "329"}, GOAL)
    assert any("1 entries have a position that differs from gameTime" in n for n in labels.notes)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "found no valid JSON"),
        (b'{"annotations": [', "found no valid JSON"),
        (b"[]", "a JSON object, found a list"),
        (b'{"predictions": []}', "a list 'annotations', found the keys predictions"),
        (b"{}", "found the keys none"),
        (b'{"annotations": {}}', "expected a list at 'annotations', found an object"),
        (b'{"annotations": [NaN]}', "NaN is no number of JSON"),
        (b'{"annotations": [' + b"9" * 5000 + b"]}", "found no valid JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"annotations": "\xff"}', "found other bytes at 17"),
        ("{}".encode("utf-16"), "found other bytes at 0"),
        (b'{"annotations": [' + b"0," * 100_001 + b"0]}", "at most 100,000 entries"),
    ],
)
def test_refuses_what_is_no_such_file(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "Labels-v2.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_labels(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600


def test_reads_past_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "Labels-v2.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"annotations": [GOAL]}).encode())
    assert read_labels(path).events == (Event(1, 329_650, "Goal"),)


@pytest.mark.parametrize("name", ["Labels-v2.json", "events.csv"])
def test_refuses_huge_files_folders_pipes_and_missing_ones(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(UserError, match="No such file"):
        read_labels(path)
    with open(path, "wb") as file:
        file.truncate(LARGEST_FILE + 1)  # takes no space
    with pytest.raises(UserError, match="at most 20 MB, found a larger file"):
        read_labels(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match="found a folder"):
        read_labels(path)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(UserError, match="found a device, pipe or socket"):
        read_labels(path)


def test_refuses_a_format_that_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"give it the suffix \.json or \.csv"):
        read_labels(tmp_path / "labels.xml")


def test_reads_a_table_as_people_write_it(tmp_path: Path) -> None:
    expected = (Event(1, 75_200, "Goal"), Event(1, 3_675_000, "Penalty"))
    assert table(tmp_path, "time,kind\n1:15.2,Goal\n1:01:15,Penalty\n").events == expected
    text = "sep=;\r\nkind;time;note\r\nGoal;75.2;nice\r\nPenalty;3675;\r\n"
    assert table(tmp_path, text).events == expected
    labels = table(
        tmp_path,
        "time,kind,half,visibility\n10,Goal,2,not shown\n20,Corner,,\n"
        "30,Flare,1,\n5,Goal,4,\n-1,Goal,,\n",
    )
    assert labels.events == (Event(1, 20_000, "Corner"), Event(2, 10_000, "Goal", is_shown=False))
    assert labels.unknown == {"Flare": 1}
    assert labels.rejected == (
        "line 5: half 4 is not scored, only 1 and 2 are",
        "line 6: -1 s is before the start of its half",
    )


def test_names_every_row_that_is_wrong_in_one_error(tmp_path: Path) -> None:
    rows = (
        "nan,Goal,1,",
        "1e3,Goal,1,",
        ",Goal,1,",
        "1:75,Goal,1,",
        "5,Goal,first,",
        "5,Goal,1,maybe",
    )
    with pytest.raises(UserError) as caught:
        table(tmp_path, "time,kind,half,visibility\n" + "\n".join(rows) + "\n7,,1,\n")
    text = str(caught.value)
    assert "7 problem(s)" in text
    assert "line 2: time: expected seconds such as 75.2 or minutes and seconds" in text
    assert "line 6: half: expected 1 or 2, found 'first'" in text
    assert "line 7: visibility: expected 'visible' or 'not shown', found 'maybe'" in text
    assert "line 8: expected a label that is not empty" in text
    with pytest.raises(UserError, match=r"expected the columns time and kind.* found time, label"):
        table(tmp_path, "time,label\n5,Goal\n")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        (" 75.2 ", 75_200),
        ("75:02", 4_502_000),
        ("5:02", 302_000),
        ("100:00.5", 6_000_500),
        ("1:02:03.004", 3_723_004),
        ("-3", -3_000),
        ("0.0005", 0),
        *((bad, None) for bad in ("", "5:", ":05", "5:60", "1:60:00", "1:75:00", "1,5", "1_0")),
        *((bad, None) for bad in ("inf", "-1:05", "9" * 12, "0.1.2", "1:2:3:4", "५", "0x10")),
    ],
)
def test_times_in_text(text: str, milliseconds: int | None) -> None:
    assert parse_time(text) == milliseconds


def test_game_time_is_the_second_below() -> None:
    assert game_time(1, 29_999) == "1 - 00:29"
    assert game_time(2, 6_029_000) == "2 - 100:29"


EVENTS = st.lists(
    st.builds(
        Event, st.integers(1, 2), st.integers(0, 10**8 // 2), st.sampled_from(KINDS), st.booleans()
    ),
    max_size=20,
    unique_by=lambda event: (event.half, event.milliseconds, event.kind),
)


@given(EVENTS)
@ONE_FILE
def test_what_is_written_is_read(tmp_path: Path, events: list[Event]) -> None:
    for name, text in {
        "Labels-v2.json": labels_text(events, "league/season/game"),
        "events.csv": event_table_text(events),
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        labels = read_labels(tmp_path / name)
        assert labels == Labels(tuple(sorted(events)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(["annotations", *GOAL]), JSON)
@ONE_FILE
def test_no_value_in_the_place_of_another_crashes(tmp_path: Path, key: str, value: object) -> None:
    content = {"annotations": [copy.copy(GOAL), GOAL]}
    target = content if key == "annotations" else content["annotations"][0]
    target[key] = value
    path = tmp_path / "Labels-v2.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    try:
        labels = read_labels(path)
    except UserError:
        return
    "".join([*labels.notes, *labels.rejected, *labels.unknown]).encode()  # it can be written


@given(st.sampled_from(["labels.json", "labels.csv"]), st.binary(max_size=200))
@ONE_FILE
def test_no_bytes_crash(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError):
        read_labels(tmp_path / name)


@given(st.text(alphabet="time,kindGoal;\n\"'0123456789:.-\t =", max_size=80))
@ONE_FILE
def test_no_table_crashes(tmp_path: Path, rows: str) -> None:
    with contextlib.suppress(UserError):
        table(tmp_path, f"time,kind\n{rows}")
