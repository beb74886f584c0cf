"""Which videos the site shows, and how many it may have.

Imported by the Snakefile, so free of numpy and Jinja2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from unmuted.errors import UserError

SELECTIONS = {"test": ("test",), "labelled": ("train", "val", "test")}  # splits; else all videos
FEWER = {"all": ("labelled", "test"), "labelled": ("test",)}


def selected(
    names: Iterable[str], splits: Callable[[], Mapping[str, str]], selection: str
) -> list[str]:
    """Return the ids of videos, sorted.

    splits: gives the split of each labelled video by id; it is asked only where it matters.
    selection: "test", "labelled" or "all".
    """
    if selection not in SELECTIONS:
        return sorted(names)
    of_video = splits()
    return sorted(name for name in names if of_video.get(name) in SELECTIONS[selection])


def of_labels(report: Mapping[str, Any], has_labels: bool) -> Mapping[str, Any]:
    """Return a section `report` with what its selections mean: without labels, all videos."""
    if has_labels:
        return report
    pages = "none" if report["pages"] == "none" else "all"
    return {**report, "videos": "all", "pages": pages}


def require_few(count: int, most: int, key: str, chosen: str, has_labels: bool = True) -> None:
    """Raise UserError for more videos than the site may have.

    key: the setting that selects them, "videos" or "pages" of `report`; chosen: its value.
    has_labels: whether a selection of fewer videos is possible.
    """
    if count > most:
        fewer = FEWER.get(chosen, ()) if has_labels else ()
        ways = [f"`report.{key}: {one}`" for one in fewer]
        ways += ["`report.pages: none`"] if key == "pages" else []
        select = f"set {' or '.join(ways)} to select, or " if ways else ""
        select += "" if has_labels or key == "pages" else "name fewer videos, or "
        raise UserError(
            f"report.{key}: {chosen} selects {count:,} videos, and a site has at most {most:,} "
            f"(report.max_videos): {select}raise report.max_videos"
        )


def check_selection(
    report: Mapping[str, Any],
    names: Sequence[str],
    splits: Callable[[], Mapping[str, str]],
    has_labels: bool = True,
) -> None:
    """Raise UserError where the table of videos or the pages would be too many.

    report: that section of the configuration. names: ids of all videos. splits: as in `selected`.
    has_labels: whether the run has labels to learn from.
    """
    meant = of_labels(report, has_labels)
    for key in ("videos", "pages"):
        chosen = meant[key]
        if chosen != "none":
            count = len(selected(names, splits, chosen))
            require_few(count, meant["max_videos"], key, chosen, has_labels)
