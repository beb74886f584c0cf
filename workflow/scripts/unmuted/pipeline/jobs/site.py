"""The site: the overview of the reports, the table of videos, and the pages of single videos.

It reads reports, predictions, thumbnails and ledgers, and computes nothing that they hold.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unmuted.dataset.videos import Video
from unmuted.engine.executor import Artifact
from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import Output
from unmuted.pipeline.families.site import (
    MATCH_PAGES,
    PAGES,
    SYSTEMS,
    THUMBNAILS,
    with_media,
)
from unmuted.site.folder import SiteFolder
from unmuted.site.material import Material
from unmuted.site.origin import origin_section
from unmuted.site.overview import PAGE, write_overview
from unmuted.site.render import with_navigation
from unmuted.site.sections import Answer, Section
from unmuted.site.selection import check_selection, of_labels, selected
from unmuted.site.videos import PAGE as VIDEOS
from unmuted.site.videos import VideoRow, status_section, write_videos
from unmuted.systems.arch1.site import section as arch1
from unmuted.systems.arch2.site import section as arch2
from unmuted.systems.cnn_rnn.site import section as cnn_rnn
from unmuted.systems.comparison.site import section as comparison
from unmuted.systems.highlights.site import SHOWN_MATCHES
from unmuted.systems.highlights.site import found_section as found_highlights
from unmuted.systems.highlights.site import section as highlights
from unmuted.systems.pages.shown import shown_systems
from unmuted.systems.pilot.site import section as pilot
from unmuted.systems.segmentation.site import found_section as found_masks
from unmuted.systems.segmentation.site import section as segmentation

RESULTS = Path("results")
LINKS = ((PAGE, "Overview"), (VIDEOS, "Videos"))
# Imported by name, so that their code is in the fingerprint of the site.
SECTIONS: Mapping[str, Callable[[Material], Section]] = {
    "arch2": arch2,
    "arch1": arch1,
    "pilot": pilot,
    "cnn_rnn": cnn_rnn,
    "comparison": comparison,
    "highlights": highlights,
    "segmentation": segmentation,
}
# What systems find without labels.
FOUND_SECTIONS: Mapping[str, Callable[[Material], Section]] = {
    "highlights": found_highlights,
    "segmentation": found_masks,
}
# Which labels a run lacks, and how they are added; of all other systems: classes.
LABELS_OF = {
    "highlights": "no match has labelled events. Name files of events in the column events of "
    "matches.manifest, or put SoccerNet's files of labels beside the halves",
    "segmentation": "no video has masks. Name folders of masks in the manifest's column masks "
    "(videos.columns.masks)",
}
CLASSES = (
    "no two classes are known among the videos. Put the videos into folders named after their "
    "classes (videos.folder), or give the manifest a column label (videos.columns.label)"
)


def contents(job: ReportJob) -> dict[str, Output]:
    """Return what writes the site, and its folders of tables and figures.

    Raises UserError for more videos than its table may have.
    """
    settings, has_labels = job.config["report"], not job.missing_labels
    check_selection(settings, list(job.videos), job.read_splits, has_labels)
    chosen = selected(job.videos, job.read_splits, of_labels(settings, has_labels)["videos"])
    return {"index": partial(write_site, job, chosen), "tables": _is_there, "figures": _is_there}


def _is_there(folder: Path) -> None:
    """Make a folder that the site has no file for; all else is written with the overview."""
    folder.mkdir(parents=True, exist_ok=True)


def write_site(job: ReportJob, chosen: Sequence[str], index: Path) -> None:
    """Write the site into the folder of its overview, and remove what is no longer of it."""
    site = SiteFolder(index.parent)
    systems = shown_systems(job.config)
    splits = job.read_splits()
    stages = dict.fromkeys(stage for system in systems for stage in SYSTEMS[system].predictions)
    by_stage = {stage: _predictions(job, chosen, stage) for stage in stages}
    pages = _copy_pages(job, site, chosen)
    sections = [
        _section(
            *(job, site, name, {stage: by_stage[stage] for stage in SYSTEMS[name].predictions}),
            pages,
        )
        for name in systems
        if not job.missing_labels or name in FOUND_SECTIONS
    ]
    sections = [_without_labels(systems), *sections] if job.missing_labels else sections
    by_arm = _by_arm(by_stage, splits)
    rows = _rows(job, chosen, by_arm, pages)
    arms = list(dict.fromkeys(arm for arms in by_arm.values() for arm in arms))
    sections.append(status_section(rows))
    write_overview(site, sections, origin_section(job.config), LINKS)
    write_videos(site, rows, arms, LINKS)
    removed = site.close()
    logging.getLogger("unmuted").info(
        "%d files of the site written, %d removed; first look: %s", site.written, removed, index
    )


def _section(
    job: ReportJob,
    site: SiteFolder,
    system: str,
    predicted: Mapping[str, Mapping[str, Mapping[str, Any]]],
    pages: Mapping[str, str],
) -> Section:
    """Return the section of a system, by its module `site`.

    predicted: by stage and video. pages: paths by the id of the video or match.
    """
    media = _media(job, system)
    if job.missing_labels:
        return FOUND_SECTIONS[system](Material({}, site, RESULTS, media=media, pages=pages))
    report = json.loads(Path(SYSTEMS[system].file).read_text(encoding="utf-8"))
    splits = job.read_splits()
    tested = sorted(name for name, split in splits.items() if split == "test")
    labelled = {name: job.videos[name].label for name in tested}
    confusion: dict[str, np.ndarray] = {}
    for found in predicted.values():
        of_stage = _confusion(report, {n: (label, found.get(n)) for n, label in labelled.items()})
        confusion = of_stage | confusion
    return SECTIONS[system](Material(report, site, RESULTS, tested, confusion, media, pages))


def _without_labels(systems: Sequence[str]) -> Section:
    """Return what is said in place of the reports of systems where labels are missing."""
    lacking = "; ".join(dict.fromkeys(LABELS_OF.get(name, CLASSES) for name in systems))
    sentence = f"Nothing could be measured, since {lacking}."
    where = "The table of videos, and the page of each, show what was made of them."
    return Section("labels", "No labels", Answer("How well does it work?", sentence, where))


def _media(job: ReportJob, system: str) -> dict[str, dict[str, Path]]:
    """Return files of test videos or matches, by stage and id; without labels, of all of them.

    Media are those of the shards alone whose ledgers are inputs of the rule; of all matches there
    is what was found in them. Only files that are whole.
    """
    splits, has_labels = job.read_splits(), not job.missing_labels
    report = of_labels(job.config["report"], has_labels)
    shown = with_media(job.videos, splits, job.find_shard, report, has_labels)
    names = dict.fromkeys(SYSTEMS[system].media, shown)
    if system == "highlights":
        everywhere = {**report, "pages": "all"}
        names["match_highlights"] = with_media(
            job.videos, splits, job.find_shard, everywhere, has_labels
        )
        names = {stage: _units(job, videos) for stage, videos in names.items()}
    found = {stage: job.artifacts(stage, of) for stage, of in names.items() if stage in job.stages}
    return {
        stage: {name: one.checked_path() for name, one in of_stage.items()}
        for stage, of_stage in _few_films(found).items()
    }


def _few_films(
    found: Mapping[str, Mapping[str, Artifact]],
) -> dict[str, dict[str, Artifact]]:
    """Return media without the films that the overview does not show: large files are read in vain.

    Matches with a reel come first.
    """
    reels, timelines = (found.get(stage, {}) for stage in ("reels", "timelines"))
    by_reel = sorted({*reels, *timelines}, key=lambda unit: (unit not in reels, unit))
    matches = by_reel[:SHOWN_MATCHES]
    few = dict.fromkeys(("reels", "timelines"), matches)
    few["overlay_copies"] = sorted(found.get("overlay_copies", {}))[:1]
    return {
        stage: {name: one for name, one in of_stage.items() if name in few.get(stage, of_stage)}
        for stage, of_stage in found.items()
    }


def _units(job: ReportJob, names: Sequence[str]) -> list[str]:
    """Return the units of videos."""
    return list(dict.fromkeys(job.videos[name].unit or name for name in names))


# --- what was predicted ---------------------------------------------------------------------------


def _predictions(job: ReportJob, names: Sequence[str], stage: str) -> dict[str, Mapping[str, Any]]:
    """Return what a stage predicts of videos: {"classes", "arms": {arm: float (S, C)}} by id."""
    found: dict[str, Mapping[str, Any]] = {}
    is_read = stage in job.stages
    for name, artifact in (job.artifacts(stage, names) if is_read else {}).items():
        content = artifact.json()
        by_seed = {
            arm: one["probabilities"] if isinstance(one, Mapping) else one
            for arm, one in content["arms"].items()
        }
        arms = {arm: np.array(one, dtype=np.float32) for arm, one in by_seed.items()}
        found[name] = {"classes": content.get("classes", job.classes), "arms": arms}
    return found


def _by_arm(
    predicted: Mapping[str, Mapping[str, Mapping[str, Any]]], splits: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return the most probable class of each video by arm, averaged over seeds.

    predicted: by stage and video. An arm that two stages have is named with its stage. Of training
    clips, whose labels the classifiers have seen, there are none.
    """
    stages_of: dict[str, set[str]] = {}
    for stage, videos in predicted.items():
        for one in videos.values():
            for arm in one["arms"]:
                stages_of.setdefault(arm, set()).add(stage)
    classes: dict[str, dict[str, str]] = {}
    for stage, videos in predicted.items():
        for name, one in videos.items():
            if splits.get(name) == "train":
                continue
            for arm, probabilities in one["arms"].items():
                words = arm if len(stages_of[arm]) == 1 else f"{arm} ({stage})"
                best = one["classes"][int(probabilities.sum(axis=0).argmax())]
                classes.setdefault(name, {})[words] = best
    return classes


def _confusion(
    report: Mapping[str, Any], tested: Mapping[str, tuple[str | None, Mapping[str, Any] | None]]
) -> dict[str, np.ndarray]:
    """Count test clips by true and predicted class, averaged over seeds, float (C, C), by arm.

    tested: labels and predictions of the test videos. Arms whose counts do not have the clips and
    the accuracy of the report are left out: they would be about other clips.
    """
    classes = report["data"]["classes"] if "test" in report["data"] else []
    known = [(label, one) for label, one in tested.values() if one is not None and label in classes]
    counts = {}
    for name, arm in report["arms"].items():
        found = np.zeros((len(classes), len(classes)))
        for label, one in known:
            for probabilities in one["arms"].get(name, ()):
                guess = one["classes"][int(np.argmax(probabilities))]
                found[classes.index(label), classes.index(guess)] += 1 / len(one["arms"][name])
        total = found.sum()
        is_all = total > 0 and round(total) == report["data"]["test"]
        if is_all and abs(found.trace() / total - arm["accuracy"]["mean"]) < 1e-3:
            counts[name] = found
    return counts


# --- the table of videos --------------------------------------------------------------------------


def _copy_pages(job: ReportJob, site: SiteFolder, names: Sequence[str]) -> dict[str, str]:
    """Write the pages that were made of these videos and their matches, with links.

    Returns their paths by the id of the video or match.
    """
    kinds = {"videos": (PAGES, list(names)), "matches": (MATCH_PAGES, _paged_units(job, names))}
    paths = {}
    up = [(f"../{address}", text) for address, text in LINKS]
    for folder, (stage, ids) in kinds.items():
        for name, artifact in (job.artifacts(stage, ids) if stage in job.stages else {}).items():
            paths[name] = f"{folder}/{name}.html"
            page = artifact.checked_path().read_text(encoding="utf-8")
            site.write(paths[name], with_navigation(page, up).encode())
    return paths


def _paged_units(job: ReportJob, names: Sequence[str]) -> list[str]:
    """Return the matches of these videos whose pages are inputs of the rule."""
    pages = of_labels(job.config["report"], not job.missing_labels)["pages"]
    chosen = set() if pages == "none" else set(selected(names, job.read_splits, pages))
    return _units(job, [name for name in names if name in chosen])


def _rows(
    job: ReportJob,
    names: Sequence[str],
    predicted: Mapping[str, Mapping[str, str]],
    pages: Mapping[str, str],
) -> list[VideoRow]:
    """Return the rows of the table of videos; pages: their paths by id."""
    splits, problems = job.read_splits(), _problems(job)
    pictures = job.artifacts(THUMBNAILS, names) if THUMBNAILS in job.stages else {}
    has_matches = job.config["videos"]["source"] == "matches"
    rows = []
    for name in names:
        video: Video = job.videos[name]
        status, reason = problems.get(name, ("ok", ""))
        rows.append(
            VideoRow(
                name,
                video.label or "",
                splits.get(name, ""),
                status,
                reason,
                predicted.get(name, {}),
                pictures[name].checked_path().read_bytes() if name in pictures else b"",
                pages.get(name, ""),
                *((video.unit, pages.get(video.unit, "")) if video.unit and has_matches else ()),
            )
        )
    return rows


def _problems(job: ReportJob) -> dict[str, tuple[str, str]]:
    """Return status and reason of the first stage that could not process a video, by its id.

    Only of the stages that the site reads of all videos; a video is absent where each of them
    processed it.
    """
    in_part = {stage for one in SYSTEMS.values() for stage in (*one.media, *one.pages)}
    problems: dict[str, tuple[str, str]] = {}
    for stage in job.stages:
        if stage in {THUMBNAILS, PAGES, *in_part} or job.is_per_unit(stage):
            continue
        for shard in job.shards:
            for name, row in job.rows(stage, shard).items():
                if not row.has_artifact and row.status not in job.expected_statuses:
                    reason = f"{stage}: {row.reason}" if row.reason else stage
                    problems.setdefault(name, (row.status, reason))
    return problems
