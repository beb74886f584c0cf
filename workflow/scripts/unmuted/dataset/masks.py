"""Folders of masks and of boxes that belong to videos: one file a second.

What is in a file is looked at by the jobs; here it is only noticed when a file changes.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmuted.dataset.videos import SPLITS, Dataset, raise_problems
from unmuted.digests import digest_json
from unmuted.text import printable

MASKS = "masks"  # label of a video whose masks are known, and whose class is not
KINDS = {"masks": ".png", "boxes": ".xml"}
MOST_FILES = 200_000  # of a folder


def mask_targets(folders: Mapping[str, Path], root: Path) -> dict[str, Any]:
    """Return what is known of a video as a JSON value: where its masks and boxes are.

    folders: by `KINDS`. Of each there is the folder, relative to `root` if it lies there, and a
    digest of the names, sizes and times of its files. Raises ValueError for what is no folder.
    """
    return {
        kind: {"folder": _relative(folder, root), "digest": _listing_digest(folder, kind)}
        for kind, folder in folders.items()
    }


def mask_folder(target: Mapping[str, Any], root: Path | None) -> Path:
    """Return the folder that an entry of `mask_targets` names."""
    return Path(root or "", target["folder"])


def check_masks(dataset: Dataset, splits: Mapping[str, str]) -> None:
    """Raise UserError naming each split without any video whose masks are known."""
    present = {
        splits[video.video_id]
        for video in dataset.videos
        if video.video_id in splits and video.targets
    }
    raise_problems(
        [
            f"the split {split!r} has no video with masks: give some of its videos masks, or other "
            "splits"
            for split in SPLITS
            if split not in present
        ],
        "masks",
    )


def _relative(folder: Path, root: Path) -> str:
    inside = os.path.join(os.path.abspath(root), "")
    path = os.path.abspath(folder)
    return path.removeprefix(inside) if path.startswith(inside) else path


def _listing_digest(folder: Path, kind: str) -> str:
    files = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.casefold().endswith(KINDS[kind]):
                    status = entry.stat(follow_symlinks=False)
                    name = os.fsencode(entry.name).hex()
                    files.append([name, status.st_size, status.st_mtime_ns])
                    if len(files) > MOST_FILES:
                        raise ValueError(
                            f"{kind} {printable(folder)}: more than {MOST_FILES:,} files; is it "
                            "the folder of one video?"
                        )
    except OSError as error:
        raise ValueError(
            f"{kind} {printable(folder)}: expected a folder of files <second>{KINDS[kind]} "
            f"({error.strerror})"
        ) from error
    return digest_json(sorted(files))
