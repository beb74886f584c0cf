"""Folders that are named after splits: train/<class>/<video>, or <class>/train/<video>.

Taken for classes, they would make an experiment that nobody asked for: to tell training videos from
test videos. What can be meant in two ways is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from unmuted.dataset.alike import alike_problems, canonical_spelling
from unmuted.dataset.videos import NO_LINE, SPLITS, Dataset, Video, is_line, raise_problems
from unmuted.errors import UserError
from unmuted.text import printable

_WORDS = {
    "train": "train|training",
    "val": "val|valid|validation|validate|dev|devel|development",
    "test": "test|testing",
}
_FURTHER = r"(?:[._-]*(?:set|sets|split|splits|data|video|videos|clip|clips|\d+p?))*"
_NAMES = {s: re.compile(rf"(?:\d+[._-]*)?(?:{words}){_FURTHER}") for s, words in _WORDS.items()}
# Also the end of a longer name, such as kinetics_train: only if all folders are named so.
_ENDS = {s: re.compile(rf".+[._-](?:{words}){_FURTHER}") for s, words in _WORDS.items()}

Place = tuple[str, ...]  # the folders between the dataset's folder and a video


def split_of_name(name: str) -> str | None:
    """Return the split that a name such as "Training" or "val_256" means; None for other names."""
    text = canonical_spelling(name)
    return next((split for split, pattern in _NAMES.items() if pattern.fullmatch(text)), None)


def folders_named_after_splits(videos: Iterable[Video], folder: Path) -> list[str]:
    """Return the first folders of the videos below a folder, if they name at least two splits."""
    tops = sorted({place[0] for video in videos if (place := _place(video, folder))})
    named = [top for top in tops if split_of_name(top)]
    return named if len({split_of_name(top) for top in named}) > 1 else []


def with_split_folders(dataset: Dataset, folder: Path) -> Dataset:
    """Return the dataset of a folder with the splits and classes that its folders mean.

    Raises UserError where folders are named after splits and may mean something else.
    """
    places = {video.video_id: _place(video, folder) for video in dataset.videos}
    where = f"videos.folder {printable(folder)}"
    tops = sorted({place[0] for place in places.values() if place})
    splits = _splits_of(tops)
    if len(splits) == len(tops) > 0 and not _is_one_class(places.values()):
        _check_splits_above(splits, places.values(), where)
        return _relabelled(dataset, places, splits, 0, where)
    if splits:
        return _with_class_named_train(dataset, tops, splits, places.values(), where)
    return _with_splits_below(dataset, places, where)


def _place(video: Video, folder: Path) -> Place:
    # As text: a path object a step takes seconds where there are 100,000 files.
    path, top = str(video.file), os.path.join(folder, "")
    inside = path[len(top) :] if path.startswith(top) else os.path.relpath(path, folder)
    return tuple(inside.split(os.sep)[:-1])


def _splits_of(names: Sequence[str]) -> dict[str, str]:
    """Return the split of each folder that is named after one; of longer names if all have one."""
    exact = {name: split for name in names if (split := split_of_name(name))}
    longer = dict(exact)
    for name in names:
        text = canonical_spelling(name)
        for split, pattern in _ENDS.items():
            if pattern.fullmatch(text):
                longer.setdefault(name, split)
    is_whole = len(longer) == len(names) > 1 and len(set(longer.values())) == len(names)
    return longer if is_whole else exact


def _is_one_class(places: Iterable[Place]) -> bool:
    """Return whether all videos lie in one folder: no experiment can be made of them anyway."""
    return len({place for place in places if place}) == 1 and all(len(p) < 2 for p in places)


def _check_splits_above(splits: dict[str, str], places: Iterable[Place], where: str) -> None:
    """Raise UserError unless each split has one folder, and all videos in it lie in classes."""
    problems = []
    for split in SPLITS:
        names = [name for name in splits if splits[name] == split]
        if len(names) > 1:
            problems.append(f"{_listed(names)} both mean the split {split}; join them")
    direct = sorted({place[0] for place in places if len(place) == 1})
    if direct:
        problems.append(
            f"folders are named after splits ({_listed(sorted(splits))}), and videos lie directly "
            f"in {_listed(direct)}: their classes are not known. Put them into folders "
            "<split>/<class>/, or list them in a manifest with the columns path, label and split"
        )
    raise_problems(problems, where)


def _with_class_named_train(
    dataset: Dataset,
    tops: Sequence[str],
    splits: dict[str, str],
    places: Iterable[Place],
    where: str,
) -> Dataset:
    """Accept "train" as a class like the others (a vehicle), and refuse a mixture of the two."""
    named = sorted(splits)
    others = [name for name in tops if name not in splits]
    depths = {len(place) for place in places if place and place[0] in splits}
    if depths == {1} and (not others or [name.casefold() for name in named] == ["train"]):
        note = f"{where}: the folder {_listed(named)} is taken for a class, not for a split"
        return replace(dataset, notes=(*dataset.notes, note))
    raise UserError(
        f"{where}: folders are named after splits ({_listed(named)}), and others beside them are "
        f"not ({_listed(others)}): it is not known which folders are splits and which are "
        "classes. Let all be splits (train/<class>/, val/<class>/, test/<class>/) or all be "
        "classes, or list the videos in a manifest with the columns path, label and split"
    )


def _with_splits_below(dataset: Dataset, places: dict[str, Place], where: str) -> Dataset:
    """Read <class>/<split>/<video>, where all videos of all classes lie so."""
    inner = {place[:2] for place in places.values() if len(place) > 1}
    splits = {place: split for place in inner if (split := split_of_name(place[1]))}
    if not splits:
        return dataset
    shown = _listed(sorted({os.path.join(*place) for place in splits}))
    if all(len(place) == 2 and place in splits for place in places.values() if place):
        by_name = {place[1]: split for place, split in splits.items()}
        return _relabelled(dataset, places, by_name, 1, where)
    if len(set(splits.values())) == 1:
        note = f"{where}: the folder {shown} is taken for a part of its class, not for a split"
        return replace(dataset, notes=(*dataset.notes, note))
    raise UserError(
        f"{where}: some folders are named after splits ({shown}), but not all videos of all "
        "classes lie in such a folder, directly. If classes lie in them, set videos.folder to the "
        "folder that holds train, val and test; else list the videos in a manifest with the "
        "columns path, label and split"
    )


def _relabelled(
    dataset: Dataset, places: dict[str, Place], splits: dict[str, str], depth: int, where: str
) -> Dataset:
    """Return the videos with the split of the folder at a depth, and the other one as class."""
    videos, problems = [], set()
    for video in dataset.videos:
        place = places[video.video_id]
        if not place:
            videos.append(video)
            continue
        label = place[1 - depth]
        if not is_line(label):
            problems.add(f"class folder '{printable(label)}': {NO_LINE}; rename it")
        videos.append(replace(video, label=label, split=splits[place[depth]]))
    labels = {video.label for video in videos if video.label is not None}
    raise_problems([*sorted(problems), *alike_problems("labels", labels)], where)
    meant = ", ".join(
        name if name == splits[name] else f"{printable(name)} ({splits[name]})"
        for name in sorted(splits)
    )
    others = "inside" if depth == 0 else "above"
    note = f"{where}: the folders {meant} are taken for splits, those {others} them for classes"
    return replace(dataset, videos=tuple(videos), notes=(*dataset.notes, note))


def _listed(names: Iterable[str], most: int = 5) -> str:
    shown = [printable(name) for name in names]
    return ", ".join(shown[:most]) + (f", ... ({len(shown)})" if len(shown) > most else "")
