"""What the report in the browser shows: systems, videos, and the pages of videos."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unmuted.config.fields import (
    MOST_PIXELS,
    Count,
    DistinctOrNone,
    Section,
    UpToADay,
)

SystemName = Literal[
    "arch2", "arch1", "pilot", "cnn_rnn", "comparison", "highlights", "segmentation"
]


class ReportSection(Section):
    """The report in the browser, results/report/."""

    systems: DistinctOrNone[SystemName] = Field(
        (),
        description="systems of the overview; their reports are made where they are absent. Empty: "
        "the main system of the source of videos: arch2, highlights for matches, segmentation for "
        "its world (videos.demo.kind) and where avs.checkpoint is set; name segmentation where a "
        "manifest has masks",
    )
    videos: Literal["test", "labelled", "all"] = Field(
        "all",
        description="videos in the table of videos: test videos, those with a label, or all; all "
        "where there are no labels",
    )
    max_videos: Count = Field(
        10_000,
        description="most videos in that table; a larger selection is refused, with what to set",
    )
    pages: Literal["test", "labelled", "all", "none"] = Field(
        "test",
        description="videos, and matches, whose own page stands in the report; where there are no "
        "labels, test and labelled mean all. Of any other there is "
        "results/by_video/<video_id>/page.html or results/by_match/<match>/page.html",
    )
    preview_side: int = Field(
        320,
        ge=64,
        le=MOST_PIXELS,
        description="longest side of the videos of a page in pixels, also of a match's reel",
    )
    preview_seconds: UpToADay = Field(
        30, description="seconds of a video that the player of its page shows at most"
    )
