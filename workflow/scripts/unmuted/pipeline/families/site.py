"""The report in the browser: thumbnails of videos, and the site that reads all that is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.engine.stage import Family, Report, Stage
from unmuted.errors import UserError
from unmuted.site.selection import check_selection
from unmuted.systems.arch2.stages import REPORTS as ARCH2
from unmuted.systems.cnn_rnn.stages import REPORTS as CNN_RNN
from unmuted.systems.comparison.stages import REPORTS as COMPARISON
from unmuted.systems.highlights.stages import FAMILY as HIGHLIGHTS
from unmuted.systems.pages.shown import shown_systems
from unmuted.systems.pilot.stages import REPORTS as PILOT
from unmuted.systems.segmentation.stages import FAMILY as SEGMENTATION

if TYPE_CHECKING:
    from unmuted.engine.run import Run

THUMBNAILS, PAGES = "thumbnails", "pages"


@dataclass(frozen=True)
class Shown:
    """A system of the site.

    report: the row of its report. file: that report. predictions: the stages with the classes that
    its arms predict. media: stages of which some test videos or matches are shown, those of the
    shard of the first one.
    """

    report: Report
    file: str
    predictions: tuple[str, ...] = ()
    media: tuple[str, ...] = ()


COMPARED = ("predictions", "comparison_predictions")
SYSTEMS: Mapping[str, Shown] = {
    "arch2": Shown(ARCH2["arch2_metrics"], "results/arch2_metrics.json", ("predictions",)),
    "arch1": Shown(COMPARISON["arch1_metrics"], "results/arch1_metrics.json", COMPARED),
    "pilot": Shown(PILOT["pilot_metrics"], "results/pilot_metrics.json", ("pilot_predictions",)),
    "cnn_rnn": Shown(
        CNN_RNN["cnn_rnn_metrics"], "results/cnn_rnn_metrics.json", ("cnn_rnn_predictions",)
    ),
    "comparison": Shown(COMPARISON["comparison"], "results/comparison.json", COMPARED),
    "highlights": Shown(
        HIGHLIGHTS.reports["highlights"],
        "results/highlights_metrics.json",
        media=("timelines", "reels"),
    ),
    "segmentation": Shown(
        SEGMENTATION.reports["avs"],
        "results/avs_metrics.json",
        media=("avs_tables", "avs_overlays"),
    ),
}


def picture_stage(config: Mapping[str, Any]) -> str:
    """Return the stage whose first picture is the thumbnail; empty where no system has one."""
    systems = set(shown_systems(config))
    if systems == {"highlights"}:
        return ""
    return "avs_frames" if systems == {"segmentation"} else "frames"


def shown_together(
    videos: Iterable[str], splits: Mapping[str, str], find_shard: Callable[[str], str]
) -> list[str]:
    """Return the test videos in the shard of the first one, sorted, whose media are shown.

    videos: ids of all. find_shard: from the id of a video. Empty without test videos.
    """
    tested = sorted(name for name in videos if splits.get(name) == "test")
    return [name for name in tested if find_shard(name) == find_shard(tested[0])]


def media_ledgers(run: Run) -> list[Path]:
    """Return the ledgers of the media that the site shows, inputs of its rule."""
    dataset = run.dataset
    stages = [stage for name in shown_systems(run.config) for stage in SYSTEMS[name].media]
    if not stages:
        return []
    shown = shown_together(dataset.videos, dataset.splits, dataset.find_shard)
    shards = dict.fromkeys(map(dataset.find_shard, shown))
    return [run.layout.ledger(stage, shard) for stage in stages for shard in shards]


def check_size(run: Run) -> None:
    """Raise UserError, before any job, for more videos or pages than the site may have."""
    dataset = run.dataset
    check_selection(run.config["report"], list(dataset.videos), lambda: dataset.splits)


def _read(config: Mapping[str, Any]) -> Collection[str]:
    """Return the stages that the site reads: those of the shown reports, thumbnails, and pages."""
    shown = [SYSTEMS[name].report.under(config) for name in shown_systems(config)]
    read = {stage for report in shown for stage in report.pooled}
    read |= {stage for name in shown_systems(config) for stage in SYSTEMS[name].media}
    read |= {THUMBNAILS} if picture_stage(config) else set()
    return read | (set() if config["report"]["pages"] == "none" else {PAGES})


def check_shown(config: Mapping[str, Any]) -> None:
    """Raise UserError for systems whose reports this configuration does not have."""
    systems = shown_systems(config)
    if "segmentation" in systems and config["avs"]["checkpoint"]:
        raise UserError(
            "report.systems: segmentation has no report of a run that takes its networks from "
            "avs.checkpoint; leave it out, or leave out avs.checkpoint"
        )
    if ("highlights" in systems) != (config["videos"]["source"] == "matches"):
        raise UserError(
            f"report.systems: found {', '.join(systems)} for videos.source "
            f"{config['videos']['source']!r}; expected highlights for matches, and it alone"
        )
    for name in systems:
        SYSTEMS[name].report.check(config)


STAGES = (
    Stage(
        THUMBNAILS,
        "make_thumbnails",
        ".jpg",
        optional=("frames", "avs_frames"),
        chosen=lambda config: {picture_stage(config)} - {""},
    ),
)
REPORTS = {
    "site": Report(
        "write_report",
        module="unmuted.pipeline.jobs.site",
        pooled=tuple(
            dict.fromkeys(
                [
                    *(stage for one in SYSTEMS.values() for stage in one.report.pooled),
                    *(THUMBNAILS, PAGES),
                ]
            )
        ),
        in_part=tuple(dict.fromkeys(stage for one in SYSTEMS.values() for stage in one.media)),
        fits=(),
        chosen=_read,
        check=check_shown,
        is_display=True,
    ),
}
FAMILY = Family("site", STAGES, REPORTS)
