"""The table of videos: its rows, in data files of some thousand rows that the page loads.

A page that is opened from disk may not fetch files, but it may load scripts that lie beside it. A
data file is such a script: one statement with rows in JSON.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from unmuted.site.folder import SiteFolder
from unmuted.site.render import render_page, with_navigation
from unmuted.site.sections import Block, Cell, Section, Table
from unmuted.text import one_line

ROWS_PER_FILE = 2_000
PICTURES_PER_FILE = 500  # as in pictures.js
LONGEST = 300  # characters of a reason, as of the ledgers
SCRIPTS = ("pictures.js", "videos.js")
PAGE = "videos.html"


@dataclass(frozen=True)
class VideoRow:
    """One video of the table.

    split: empty for a video without a label. status: "ok", or that of the first stage that could
    not process it; reason: of that stage, which it names. predicted: the most probable class by
    arm. thumbnail: a JPEG, empty where there is none. page: path of its page, empty for none.
    match, match_page: of a recording, its match and the path of the match's page.
    """

    video_id: str
    label: str = ""
    split: str = ""
    status: str = "ok"
    reason: str = ""
    predicted: Mapping[str, str] = field(default_factory=dict)
    thumbnail: bytes = b""
    page: str = ""
    match: str = ""
    match_page: str = ""


def status_section(rows: Sequence[VideoRow]) -> Section:
    """Return how many videos there are by split and status, the frequent ones first."""
    splits = Counter(row.split or "without a label" for row in rows)
    problems = Counter((row.status, row.reason.partition(":")[0]) for row in rows)
    by_status: list[Sequence[Cell]] = [
        (status, stage or None, count) for (status, stage), count in problems.most_common()
    ]
    by_split: list[Sequence[Cell]] = [(split, splits[split]) for split in sorted(splits)]
    columns = ("status", "stage that says so", "videos")
    tables = [
        Table(columns, by_status, "Videos by status", "videos_status"),
        Table(("split", "videos"), by_split, "Videos by split", "videos_split"),
    ]
    text = "The table of videos names each of them, and filters by status."
    return Section("videos", "Videos", blocks=[Block("How many", text, tables=tables)])


def write_videos(
    site: SiteFolder,
    rows: Sequence[VideoRow],
    arms: Sequence[str],
    links: Sequence[tuple[str, str]],
) -> None:
    """Write the page of the table, and its data files.

    arms: whose predictions there are. links: addresses and texts of the site's other pages.
    """
    files: list[str] = []
    for start in range(0, len(rows), ROWS_PER_FILE):
        name = f"data/videos-{len(files) + 1:04}.js"
        part = [_as_list(row, arms) for row in rows[start : start + ROWS_PER_FILE]]
        site.write(name, f"(self.unmutedRows ??= []).push(...{_json(part)});\n".encode())
        files.append(name)
    _write_pictures(site, rows)
    page = render_page(
        "videos.html.j2",
        "Videos",
        scripts=SCRIPTS,
        data_scripts=files,
        total=len(rows),
        arms=list(arms),
        has_matches=any(row.match for row in rows),
        labels=sorted({row.label for row in rows} - {""}),
        splits=[name for name in ("train", "val", "test") if any(r.split == name for r in rows)],
        statuses=sorted({row.status for row in rows}),
    )
    site.write(PAGE, with_navigation(page, links).encode())


def _as_list(row: VideoRow, arms: Sequence[str]) -> list[object]:
    """Return a row as videos.js reads it."""
    has_picture = bool(row.thumbnail)
    predicted = [row.predicted.get(arm, "") for arm in arms]
    reason = one_line(row.reason, LONGEST)
    return [
        row.video_id,
        row.label,
        row.split,
        row.status,
        reason,
        predicted,
        has_picture,
        row.page,
        row.match,
        row.match_page,
    ]


def _write_pictures(site: SiteFolder, rows: Sequence[VideoRow]) -> None:
    """Write the thumbnails, in files that the page loads when it first shows one of them."""
    for number, start in enumerate(range(0, len(rows), PICTURES_PER_FILE)):
        part = rows[start : start + PICTURES_PER_FILE]
        if any(row.thumbnail for row in part):
            pictures = [base64.b64encode(row.thumbnail).decode() for row in part]
            script = f"self.unmutedPictures[{number}] = {_json(pictures)};\n"
            site.write(f"data/pictures-{number + 1:04}.js", script.encode())


def _json(value: object) -> str:
    """Return JSON that can end no element and no line of a script, whatever its texts say."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c")
