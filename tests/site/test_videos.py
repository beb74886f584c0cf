"""The table of videos: its data files, its choices, and how many videos it may have."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from made_site import ARMS, HOSTILE, Document, make_site, video_rows
from unmuted.errors import UserError
from unmuted.site.folder import SiteFolder
from unmuted.site.selection import check_selection, require_few, selected
from unmuted.site.videos import (
    PICTURES_PER_FILE,
    ROWS_PER_FILE,
    VideoRow,
    status_section,
    write_videos,
)

pytestmark = pytest.mark.unit

PUSH = "(self.unmutedRows ??= []).push(..."


def rows_of(folder: Path) -> list[list]:
    """The rows in the data files, in the order in which the page loads these."""
    page = Document((folder / "videos.html").read_text(encoding="utf-8"))
    rows = []
    for path in (script["src"] for script in page.all("script") if "src" in script):
        text = (folder / path).read_text(encoding="ascii")
        assert text.startswith(PUSH) and text.endswith(");\n")
        rows += json.loads(text[len(PUSH) : -len(");\n")])
    return rows


def test_the_data_files_have_every_video_once(tmp_path: Path) -> None:
    count = 2 * ROWS_PER_FILE + 3
    made = video_rows(count)
    write_videos(SiteFolder(tmp_path), made, ARMS, [])
    found = rows_of(tmp_path)
    assert [row[0] for row in found] == [row.video_id for row in made]
    assert [row[1] for row in found] == [row.label for row in made]
    assert found[1][5] == [made[1].predicted[arm] for arm in ARMS]
    assert found[0][5] == ["", "", ""] and found[0][1] == HOSTILE[0]


def test_pictures_are_in_the_file_of_their_place(tmp_path: Path) -> None:
    made = video_rows(PICTURES_PER_FILE + 20)
    write_videos(SiteFolder(tmp_path), made, ARMS, [])
    text = (tmp_path / "data/pictures-0002.js").read_text()
    assert text.startswith("self.unmutedPictures[1] = ")
    pictures = json.loads(text.partition(" = ")[2].rstrip(";\n"))
    assert [base64.b64decode(one) for one in pictures] == [
        row.thumbnail for row in made[PICTURES_PER_FILE:]
    ]
    assert max(len(row.thumbnail) for row in made) <= 2_048
    assert [row[6] for row in rows_of(tmp_path)] == [bool(row.thumbnail) for row in made]
    script = (Path(write_videos.__code__.co_filename).parent / "assets/pictures.js").read_text()
    assert f"PICTURES_PER_FILE = {PICTURES_PER_FILE};" in script


def test_the_choices_are_those_of_the_videos(tmp_path: Path) -> None:
    rows = [
        VideoRow("a", "dog", "test", predicted={"x": "cat"}),
        VideoRow("b", "", "", "unreadable", "probe: no picture"),
    ]
    write_videos(SiteFolder(tmp_path), rows, ["x"], [])
    page = Document((tmp_path / "videos.html").read_text())
    values = [option["value"] for option in page.all("option")]
    assert [value for value in values if value] == [
        *("dog", "test", "ok", "unreadable", "x", "right", "wrong")
    ]
    assert {select["name"] for select in page.all("select")} == {
        *("label", "split", "status", "arm", "outcome")
    }


def test_a_site_without_arms_offers_no_choice_of_them(tmp_path: Path) -> None:
    write_videos(SiteFolder(tmp_path), [VideoRow("a")], [], [])
    names = {s["name"] for s in Document((tmp_path / "videos.html").read_text()).all("select")}
    assert names == {"label", "split", "status"}


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ("all", "set `report.videos: labelled` or `report.videos: test` to select, or raise"),
        ("labelled", "set `report.videos: test` to select, or raise report.max_videos"),
        ("test", "(report.max_videos): raise report.max_videos"),
    ],
)
def test_a_million_videos_are_refused_with_the_way_to_select(chosen: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        require_few(1_000_000, 10_000, "videos", chosen)
    assert f"report.videos: {chosen} selects 1,000,000 videos" in str(error.value)
    assert words in str(error.value)


def test_as_many_videos_as_allowed_are_not_refused() -> None:
    require_few(10_000, 10_000, "videos", "all")


MILLION = [f"clip_{number}" for number in range(1_000_000)]
SPLITS = {name: "test" if name.endswith("000") else "train" for name in MILLION}


@pytest.mark.parametrize(
    ("videos", "pages", "refused"),
    [
        ("all", "test", "report.videos: all selects 1,000,000"),
        ("test", "all", "report.pages: all selects 1,000,000"),
        ("test", "labelled", "report.pages: labelled selects 1,000,000"),
        ("test", "test", ""),
        ("test", "none", ""),
    ],
)
def test_a_million_videos_are_refused_in_table_and_pages(
    videos: str, pages: str, refused: str
) -> None:
    settings = {"videos": videos, "pages": pages, "max_videos": 10_000}
    if not refused:
        check_selection(settings, MILLION, lambda: SPLITS)
        return
    with pytest.raises(UserError) as error:
        check_selection(settings, MILLION, lambda: SPLITS)
    assert refused in str(error.value) and "test`" in str(error.value)


def test_all_videos_are_selected_without_reading_splits() -> None:
    assert selected(["b", "a"], {}.popitem, "all") == ["a", "b"]
    assert selected(["b", "a", "c"], lambda: {"b": "test", "a": "val"}, "test") == ["b"]


def test_ten_thousand_videos_are_written_in_seconds_and_load_little(tmp_path: Path) -> None:
    start = time.perf_counter()
    make_site(tmp_path, 10_000, sections=[], hostile=False)
    assert time.perf_counter() - start < 20
    loaded = [tmp_path / "videos.html", *(tmp_path / "data").glob("videos-*.js")]
    assert sum(path.stat().st_size for path in loaded) < 3_000_000
    assert len(list((tmp_path / "data").glob("pictures-*.js"))) == 20


def test_videos_are_counted_by_status_and_split() -> None:
    rows = [
        VideoRow("a", "dog", "test"),
        VideoRow("b", "dog", "test", "no_stream", "wav"),
        VideoRow("c", "", "", "no_stream", "wav: there is none: really"),
        VideoRow("d", "", "", "unreadable", "probe: cut short"),
    ]
    (block,) = status_section(rows).blocks
    by_status, by_split = block.tables
    assert list(by_status.rows) == [
        ("no_stream", "wav", 2),
        ("ok", None, 1),
        ("unreadable", "probe", 1),
    ]
    assert list(by_split.rows) == [("test", 2), ("without a label", 2)]
