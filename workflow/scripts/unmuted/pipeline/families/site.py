"""The report in the browser: thumbnails of videos, and the site that reads all that is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from unmuted.engine.stage import Family, Report, Stage
from unmuted.errors import UserError
from unmuted.systems.arch2.stages import REPORTS as ARCH2
from unmuted.systems.cnn_rnn.stages import REPORTS as CNN_RNN
from unmuted.systems.comparison.stages import REPORTS as COMPARISON
from unmuted.systems.highlights.stages import FAMILY as HIGHLIGHTS
from unmuted.systems.pages.shown import shown_systems
from unmuted.systems.pilot.stages import REPORTS as PILOT
from unmuted.systems.segmentation.stages import FAMILY as SEGMENTATION

THUMBNAILS, PAGES = "thumbnails", "pages"


@dataclass(frozen=True)
class Shown:
    """A system of the site.

    report: the row of its report. file: that report. predictions: the stage with the classes that
    its arms predict, of architecture 1 and the comparison those of the main experiment; empty for a
    system without any.
    """

    report: Report
    file: str
    predictions: str = ""


SYSTEMS: Mapping[str, Shown] = {
    "arch2": Shown(ARCH2["arch2_metrics"], "results/arch2_metrics.json", "predictions"),
    "arch1": Shown(COMPARISON["arch1_metrics"], "results/arch1_metrics.json", "predictions"),
    "pilot": Shown(PILOT["pilot_metrics"], "results/pilot_metrics.json", "pilot_predictions"),
    "cnn_rnn": Shown(
        CNN_RNN["cnn_rnn_metrics"], "results/cnn_rnn_metrics.json", "cnn_rnn_predictions"
    ),
    "comparison": Shown(COMPARISON["comparison"], "results/comparison.json", "predictions"),
    "highlights": Shown(HIGHLIGHTS.reports["highlights"], "results/highlights_metrics.json"),
    "segmentation": Shown(SEGMENTATION.reports["avs"], "results/avs_metrics.json"),
}


def picture_stage(config: Mapping[str, Any]) -> str:
    """Return the stage whose first picture is the thumbnail; empty where no system has one."""
    systems = set(shown_systems(config))
    if systems == {"highlights"}:
        return ""
    return "avs_frames" if systems == {"segmentation"} else "frames"


def _read(config: Mapping[str, Any]) -> Collection[str]:
    """Return the stages that the site reads: those of the shown reports, thumbnails, and pages."""
    shown = [SYSTEMS[name].report.under(config) for name in shown_systems(config)]
    read = {stage for report in shown for stage in report.pooled}
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
        fits=(),
        chosen=_read,
        check=check_shown,
        is_display=True,
    ),
}
FAMILY = Family("site", STAGES, REPORTS)
