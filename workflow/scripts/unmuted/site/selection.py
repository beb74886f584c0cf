"""Which videos the site shows, and how many it may have.

Imported by the Snakefile, so free of numpy and Jinja2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

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


def require_few(count: int, most: int, key: str, chosen: str) -> None:
    """Raise UserError for more videos than the site may have.

    key: the setting that selects them, "videos" or "pages" of `report`; chosen: its value.
    """
    if count > most:
        ways = [f"`report.{key}: {fewer}`" for fewer in FEWER.get(chosen, ())]
        ways += ["`report.pages: none`"] if key == "pages" else []
        select = f"set {' or '.join(ways)} to select, or " if ways else ""
        raise UserError(
            f"report.{key}: {chosen} selects {count:,} videos, and a site has at most {most:,} "
            f"(report.max_videos): {select}raise report.max_videos"
        )


def check_selection(
    report: Mapping[str, object], names: Sequence[str], splits: Callable[[], Mapping[str, str]]
) -> None:
    """Raise UserError where the table of videos or the pages would be too many.

    report: that section of the configuration. names: ids of all videos. splits: as in `selected`.
    """
    most = report["max_videos"]
    if not isinstance(most, int):
        raise ValueError(f"report.max_videos is {most!r}, expected a number")
    for key in ("videos", "pages"):
        chosen = str(report[key])
        if chosen != "none":
            require_few(len(selected(names, splits, chosen)), most, key, chosen)
