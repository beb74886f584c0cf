"""What leaves the machine: tables are safe to open, reports name no folder of this machine."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unmuted.dataset.splits import read_groups, read_splits, write_groups, write_splits
from unmuted.dataset.videos import Dataset, Video, write_table
from unmuted.engine.artifacts import atomic
from unmuted.engine.joblog import job_log
from unmuted.evaluation import outputs
from unmuted.evaluation.provenance import published_path
from unmuted.models.digests import file_digests
from unmuted.text import cell, uncell

FORMULAS = (
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    '=HYPERLINK("http://127.0.0.1/?"&A1,"x")',
    "+1+1",
    "-1+1",
    "-a",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1+1",
    "＝1+1",
    "'=1",
    "''@x",
)
NUMBERS = ("-3.5", "+2", "-1e-07", "1", "-0", ".5", "-.5", "-12%")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    shown = cell(text)
    assert re.match(r"'*[\w' \\]", shown) and not re.match(r"\s*[=+\-@＝＋－＠\t\r]", shown)


@pytest.mark.parametrize(
    "text", [*NUMBERS, "word", "a=b", "x-y", "it's", "'quoted'", "", "🧑‍🚀", "a\xa0b"]
)
def test_numbers_and_other_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text == uncell(text)


@given(st.text())
@example("'=1")
def test_what_a_cell_escapes_is_read_back(text: str) -> None:
    shown = cell(text)
    plain = "".join(c if c.isprintable() or c in text else "" for c in uncell(shown))
    if all(c.isprintable() for c in text):
        assert plain == text
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown
    )


def test_videos_and_splits_are_safe_to_open_and_read_back(tmp_path: Path) -> None:
    extra = {"=1+1": "=2+2", "note": "\x1b[31mred\x00\u202e", "score": "-0.5", "odd": "\udcff"}
    videos = [
        Video("one", tmp_path / "=a.mp4", "=cmd|' /C calc'!A0", "train", "@SUM(1+1)", None, extra),
        Video("-2", tmp_path / "b.mp4", "'=x", "test", "+g", None, {}),
    ]
    write_table(tmp_path / "videos.csv", Dataset(tuple(videos)))
    write_splits(tmp_path / "splits.csv", videos, {"one": "train", "-2": "test"})
    groups = {"@SUM(1+1)": "train", "+g": "test"}
    write_groups(tmp_path / "groups.csv", groups | {"'=quoted": "val"})
    cells = [
        text
        for name in ("videos.csv", "splits.csv")
        for row in csv.reader((tmp_path / name).open(encoding="utf-8", newline=""))
        for text in row
    ]
    assert not [text for text in cells if re.match(r"[=+@\t\r]|-(?![\d.])", text)]
    assert r"\x1b[31mred\x00\u202e" in cells and "-0.5" in cells and r"\udcff" in cells
    assert read_splits(tmp_path / "splits.csv") == {"one": "train", "-2": "test"}
    assert read_groups(tmp_path / "splits.csv") == groups
    assert read_groups(tmp_path / "groups.csv") == groups | {"'=quoted": "val"}


def test_tables_of_reports_are_safe_and_numbers_are_numbers(tmp_path: Path) -> None:
    rows = [{"label": "=1+1", "=p": -0.25, "count": np.int64(-3), "none": None, "text": "-1.5"}]
    outputs.write_table(tmp_path / "table.csv", outputs.table(rows))
    assert (tmp_path / "table.csv").read_text() == (
        "label,'=p,count,none,text\n'=1+1,-0.25,-3,,-1.5\n"
    )
    assert pd.read_csv(tmp_path / "table.csv")["'=p"].tolist() == [-0.25]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("resources/tiny_models/vit", "resources/tiny_models/vit"),
        ("{root}/resources/tiny_models/vit", "resources/tiny_models/vit"),
        ("{elsewhere}/secret-user/models/vit", "vit"),
        ("../../secret-user/models/vit", "vit"),
        ("resources/../resources/tiny_models/vit/", "resources/tiny_models/vit"),
    ],
)
def test_reports_name_no_folder_of_this_machine(
    repository: Path, tmp_path: Path, given: str, shown: str
) -> None:
    assert published_path(given.format(root=repository, elsewhere=tmp_path)) == shown


def test_the_cache_of_digests_has_no_path(tmp_path: Path) -> None:
    file = tmp_path / "secret-user" / "model.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    digests = file_digests([file], tmp_path / "cache.json")
    assert "secret-user" not in (tmp_path / "cache.json").read_text()
    assert len(json.loads((tmp_path / "cache.json").read_text())) == 1
    assert file_digests([file], tmp_path / "cache.json") == digests


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Somebody who can write to a folder of results must not have other files emptied."""
    precious = tmp_path / "precious"
    precious.write_text("kept")
    log = tmp_path / "job.log"
    log.symlink_to(precious)
    with job_log(log):
        pass
    with atomic(tmp_path / "note") as temporary:
        temporary.write_text("first")
        name = temporary.name
    (tmp_path / name).symlink_to(precious)
    with atomic(tmp_path / "note") as temporary:
        temporary.write_text("second")
    assert precious.read_text() == "kept"
    assert (tmp_path / "note").read_text() == "second" and not (tmp_path / "note").is_symlink()
