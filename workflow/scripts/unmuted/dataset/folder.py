"""Videos from a folder with a folder per class."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from unmuted.dataset.containers import VIDEO_SUFFIXES
from unmuted.dataset.passed_over import PassedOver
from unmuted.dataset.split_folders import with_split_folders
from unmuted.dataset.videos import (
    NO_LINE,
    Dataset,
    Video,
    checked_dataset,
    is_line,
    raise_problems,
    video_id_from_name,
)
from unmuted.errors import UserError
from unmuted.text import printable

# Of a file's path, the path inside the folder, its name without ending, and the ending; None for
# what is no video of the source. Raises ValueError with what is wrong with it.
NOT_FOLLOWED = " (a link; videos.follow_links is off)"
VideoOf = Callable[[str, str, str, str], Video | None]


def read_folder(folder: Path, follow_links: bool = False) -> Dataset:
    """Return the videos of FOLDER/<class>/...; a video directly in FOLDER has no label.

    Folders that are named after splits are read as `with_split_folders` says. follow_links: also
    look into folders behind symbolic links, and read files behind links. Raises UserError when the
    folder is missing, cannot be listed, or holds no video, when all files lie elsewhere, and for
    ids that clash and names unfit as labels.
    """

    def video_of(path: str, inside: str, stem: str, suffix: str) -> Video | None:
        if suffix.lower() not in VIDEO_SUFFIXES:
            return None
        label, _, rest = inside.partition(os.sep)
        if rest and not is_line(label):
            raise ValueError(f"class folder '{printable(label)}': {NO_LINE}; rename it")
        video_id = video_id_from_name(stem)
        return Video(video_id, Path(path), label if rest else None, None, video_id, root=folder)

    dataset = read_videos(
        *("folder", folder, video_of),
        hint="one with a folder per class",
        expected="FOLDER/<class>/<video>",
        follow_links=follow_links,
    )
    return with_split_folders(dataset, folder)


def read_videos(
    key: str, folder: Path, video_of: VideoOf, hint: str, expected: str, follow_links: bool
) -> Dataset:
    """Return the videos below a folder that `video_of` recognises, and list the other files.

    key: of the section `videos`, that gives the folder. hint, expected: which folder, and what in
    it, for the errors; they and follow_links are those of `read_folder`.
    """
    source = f"videos.{key}"
    if not folder.is_dir():
        raise UserError(
            f"{source}: {printable(folder)} is not a folder (looked for at "
            f"{printable(Path(folder).absolute())}); give {hint}"
        )
    videos, ignored, problems = [], [], set()
    top = len(os.path.join(folder, ""))
    passed_over = PassedOver(folder)
    # As text: a path object a step takes seconds where there are 100,000 files.
    for path in sorted(_files(folder, follow_links, source, passed_over), key=os.fsencode):
        try:
            video = video_of(path, path[top:], *_split_name(os.path.basename(path)))
        except ValueError as error:
            problems.add(str(error))
            continue
        if video is None:
            note = _why_no_videos(path, passed_over)
            ignored.append(f"{printable(path[top:])}{note}")
        else:
            videos.append(video)
    raise_problems(sorted(problems), f"{source} {printable(folder)}")
    if not videos:
        raise UserError(
            f"{source}: no video file in {printable(folder)}; expected {expected}"
            + "".join(f"\n  - not taken for a video: {name}" for name in ignored[:5])
        )
    where = f"{source} {printable(folder)}"
    if not follow_links:
        _refuse_links(videos, folder, where)
    dataset = checked_dataset(videos, where, ignored)
    notes = (*_about_links(ignored, where), *_about_passed_over(ignored, folder, where))
    return replace(dataset, notes=notes)


def _refuse_links(videos: Sequence[Video], folder: Path, where: str) -> None:
    """Raise UserError if all files are links to other places, as caches of data sets make them."""
    inside = os.path.join(os.path.realpath(folder), "")
    if not any(os.path.realpath(video.file).startswith(inside) for video in videos):
        raise UserError(
            f"{where}: its {len(videos)} video files are links to files in other places, such as "
            f"{printable(videos[0].file)}: set videos.follow_links to read files anywhere"
        )


def _about_links(ignored: Sequence[str], where: str) -> tuple[str, ...]:
    """Return a note if folders are left out because they are links."""
    linked = [name for name in ignored if name.endswith(NOT_FOLLOWED)]
    if not linked:
        return ()
    shown = ", ".join(name.removesuffix(NOT_FOLLOWED) for name in linked[:5])
    return (
        f"{where}: folders that are links are left out, {len(linked)} in all (such as {shown}); "
        "set videos.follow_links to read what is in them",
    )


def _about_passed_over(ignored: Sequence[str], folder: Path, where: str) -> Iterator[str]:
    """Yield a note on each folder of this folder that is passed over, but has files of videos."""
    for line in ignored:
        name, found, reason = line.rpartition(" (")
        is_link = line.endswith(NOT_FOLLOWED)
        if found and not is_link and "/" not in name and _has_videos(folder / name):
            yield (
                f"{where}: the folder {name} is left out as {reason.removesuffix(')')}, but has "
                "files of videos; if it is a class, give it another name"
            )


def _has_videos(folder: Path) -> bool:
    try:
        return any(Path(entry.name).suffix.lower() in VIDEO_SUFFIXES for entry in folder.iterdir())
    except OSError:
        return False


def _why_no_videos(path: str, passed_over: PassedOver) -> str:
    """Return a note on a path that is no video, for a folder whose content was not looked at."""
    if not os.path.isdir(path):
        return ""
    reason = passed_over.reason(path)
    return f" ({reason})" if reason else NOT_FOLLOWED


def _split_name(name: str) -> tuple[str, str]:
    """Return a file's name without its ending, and the ending, as pathlib splits them."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if 0 < dot < len(name) - 1 else (name, "")


def _files(folder: Path, follow_links: bool, source: str, passed_over: PassedOver) -> Iterator[str]:
    """Yield everything below `folder` that is not a plain folder; nothing is opened.

    Folders that are passed over are yielded, and those behind links, unless `follow_links` follows
    them (once). Raises UserError for a folder that cannot be listed: its videos would be missing
    without a word.
    """
    seen = {folder.resolve()}
    for parent, folders, files in os.walk(
        folder, onerror=partial(_refuse, source), followlinks=follow_links
    ):
        inner = []
        for name in sorted(name for name in folders if not name.startswith(".")):
            path = Path(parent, name)
            # A folder with a video's name is a finding to report, not a place to look for videos.
            is_odd = Path(parent) != folder and path.suffix.lower() in VIDEO_SUFFIXES
            is_link = path.is_symlink()
            if (
                passed_over.reason(str(path))
                or is_odd
                or (is_link and (not follow_links or path.resolve() in seen))
            ):
                yield os.path.join(parent, name)
            else:
                inner.append(name)
                if is_link:
                    seen.add(path.resolve())
        folders[:] = inner
        visible = (name for name in files if name.startswith("..") or name[0] != ".")
        yield from (os.path.join(parent, name) for name in visible)


def _refuse(source: str, error: OSError) -> None:
    raise UserError(
        f"{source}: cannot list {printable(error.filename)}: {error.strerror}; "
        "make it readable, or move it out of the folder"
    ) from error
