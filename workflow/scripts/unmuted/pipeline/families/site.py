"""The report in the browser: thumbnails of videos, and the site that reads all that is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.engine.stage import Family, Report, Stage
from unmuted.errors import UserError
from unmuted.site.selection import check_selection, of_labels, selected
from unmuted.systems.arch2.stages import REPORTS as ARCH2
from unmuted.systems.cnn_rnn.stages import REPORTS as CNN_RNN
from unmuted.systems.comparison.stages import REPORTS as COMPARISON
from unmuted.systems.highlights.spotting_stages import trains_spotter
from unmuted.systems.highlights.stages import FAMILY as HIGHLIGHTS
from unmuted.systems.pages.shown import OF_MATCH, shown_stages, shown_systems
from unmuted.systems.pilot.stages import REPORTS as PILOT
from unmuted.systems.segmentation.network_stages import trains
from unmuted.systems.segmentation.stages import FAMILY as SEGMENTATION

if TYPE_CHECKING:
    from unmuted.dataset.videos import Video
    from unmuted.engine.run import Run

THUMBNAILS, PAGES, MATCH_PAGES = "thumbnails", "pages", "match_pages"


@dataclass(frozen=True)
class Shown:
    """A system of the site.

    report: the row of its report. file: that report. predictions: the stages with the classes that
    its arms predict. media: stages of which test videos or matches are shown, see `with_media`.
    pages: the stages whose pages of videos or matches it adds.
    """

    report: Report
    file: str
    predictions: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


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
        pages=(MATCH_PAGES,),
    ),
    "segmentation": Shown(
        SEGMENTATION.reports["avs"],
        "results/avs_metrics.json",
        media=("avs_tables", "overlay_copies"),
    ),
}


def picture_stage(config: Mapping[str, Any]) -> str:
    """Return the stage whose first picture is the thumbnail; empty where no system has one."""
    systems = set(shown_systems(config))
    if systems == {"highlights"}:
        return "" if config["report"]["pages"] == "none" else "clip_copies"
    return "avs_frames" if systems == {"segmentation"} else "frames"


def with_media(
    videos: Iterable[str],
    splits: Mapping[str, str],
    find_shard: Callable[[str], str],
    report: Mapping[str, Any],
    has_labels: bool,
) -> list[str]:
    """Return the videos whose media the overview may show, sorted: all test videos with a page.

    Where the report has no pages, only those in the shard of the first one. Without labels there
    are no test videos, and all videos count.

    videos: ids of all. find_shard: from the id of a video. report: that section of the
    configuration. has_labels: whether the run has labels to learn from.
    """
    shown = sorted(name for name in videos if not has_labels or splits.get(name) == "test")
    if report["pages"] != "none":
        return shown
    return [name for name in shown if find_shard(name) == find_shard(shown[0])]


def media_ledgers(run: Run) -> list[Path]:
    """Return the ledgers of the media and of the pages of matches, inputs of the site's rule."""
    dataset, report = run.dataset, of_labels(run.config["report"], run.has_labels)
    splits = dataset.splits if run.has_labels else {}
    shown = with_media(dataset.videos, splits, dataset.find_shard, report, run.has_labels)
    of_pages = [] if report["pages"] == "none" else dataset.videos
    paged = selected(of_pages, lambda: splits, report["pages"])
    systems = [SYSTEMS[name] for name in shown_systems(run.config)]
    asked = [(stage, shown) for one in systems for stage in one.media]
    asked += [(stage, paged) for one in systems for stage in one.pages]
    ledgers = (
        run.layout.ledger(stage, shard)
        for stage, videos in asked
        for shard in map(dataset.find_shard, videos)
    )
    return list(dict.fromkeys(ledgers))


def check_size(run: Run) -> None:
    """Raise UserError, before any job, for more videos or pages than the site may have.

    Also for a run without labels whose own networks would have to be trained on some.
    """
    dataset, systems = run.dataset, shown_systems(run.config)
    if not run.has_labels:
        check_untrained(run.config, systems)
    elif "segmentation" in systems:
        check_masks(dataset.videos.values())
    names = list(dataset.videos)
    check_selection(run.config["report"], names, lambda: dataset.splits, run.has_labels)


def check_untrained(config: Mapping[str, Any], systems: Collection[str]) -> None:
    """Raise UserError for systems that find nothing without labels, with what to do."""
    if "highlights" in systems and trains_spotter(config):
        raise UserError(
            "no match has labelled events, and highlights.method: spotter would train on them: set "
            "highlights.method: loudness, or highlights.spotter.path to the folder of a trained "
            "spotter, or name files of events in the column events of matches.manifest"
        )
    if "segmentation" in systems and trains(config):
        raise UserError(
            "no video has masks, and networks would be trained on them: set avs.checkpoint to the "
            "folder of trained networks, or name folders of masks in the manifest's column masks"
        )


def check_masks(videos: Iterable[Video]) -> None:
    """Raise UserError where videos have classes but no masks, with what to do."""
    if all(video.targets is None for video in videos):
        raise UserError(
            "the videos have classes but no masks, so there is no report of segmentation: set "
            "report.systems to [arch2] for one of their classes, name folders of masks in the "
            "manifest's column masks, or name the videos in a manifest without the column label; "
            "the masks of any video are results/by_video/<video_id>/sounding.mp4"
        )


def _read(config: Mapping[str, Any]) -> Collection[str]:
    """Return the stages that the site reads: those of the shown reports, thumbnails, and pages."""
    systems = [SYSTEMS[name] for name in shown_systems(config)]
    read = {stage for one in systems for stage in one.report.under(config).pooled}
    read |= {stage for one in systems for stage in one.media}
    read |= {THUMBNAILS} if picture_stage(config) else set()
    if config["report"]["pages"] != "none":
        read |= {PAGES, *(stage for one in systems for stage in one.pages)}
    return read


def _read_without_labels(config: Mapping[str, Any]) -> Collection[str]:
    """Return the stages that the site reads where labels are missing: what its pages show."""
    systems = [SYSTEMS[name] for name in shown_systems(config)]
    shown = {"probe", THUMBNAILS, *(stage for one in systems for stage in one.media)}
    if any(MATCH_PAGES in one.pages for one in systems):
        shown |= {*OF_MATCH}
    if config["report"]["pages"] == "none":
        return shown
    return shown | {PAGES, *shown_stages(config), *(s for one in systems for s in one.pages)}


def check_shown(config: Mapping[str, Any]) -> None:
    """Raise UserError for systems whose reports this configuration does not have."""
    systems = shown_systems(config)
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
        optional=("frames", "avs_frames", "clip_copies"),
        neutral_settings=("media.sandbox",),
        tools=("ffmpeg",),
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
        in_part=tuple(
            dict.fromkeys(stage for one in SYSTEMS.values() for stage in (*one.media, *one.pages))
        ),
        fits=(),
        chosen=_read,
        without_labels=_read_without_labels,
        check=check_shown,
        is_display=True,
    ),
}
FAMILY = Family("site", STAGES, REPORTS)
