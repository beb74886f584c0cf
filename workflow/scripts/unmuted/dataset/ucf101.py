"""Videos of UCF101 in its published layout, where the names of the files say everything.

`v_<Class>_g<NN>_c<NN>.avi` is a clip of a group, clips that were cut from one source; see
https://www.crcv.ucf.edu/data/UCF101.php. Groups are numbered within each class: g08 of one class
has nothing to do with g08 of another.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from unmuted.dataset.folder import read_videos
from unmuted.dataset.split_folders import folders_named_after_splits
from unmuted.dataset.videos import Dataset, Video
from unmuted.text import printable

NAME = re.compile(r"v_(?P<label>[A-Za-z0-9]{1,80})_g(?P<group>[0-9]{1,4})_c[0-9]{1,4}")
SUFFIX = ".avi"


def read_ucf101(folder: Path, follow_links: bool = False) -> Dataset:
    """Return the videos of UCF101 at any depth of a folder, and list files with other names.

    follow_links and errors: as of `read_folder`.
    """

    def video_of(path: str, inside: str, stem: str, suffix: str) -> Video | None:
        match = NAME.fullmatch(stem)
        if match is None or suffix.lower() != SUFFIX:
            return None
        group = f"{match['label']}_g{int(match['group']):02d}"
        return Video(stem, Path(path), match["label"], None, group, root=folder)

    dataset = read_videos(
        *("ucf101", folder, video_of),
        hint="the folder of UCF101's clips, such as UCF-101",
        expected="files v_<Class>_g<NN>_c<NN>.avi at any depth",
        follow_links=follow_links,
    )
    named = folders_named_after_splits(dataset.videos, folder)
    if not named:
        return dataset
    note = (
        f"videos.ucf101 {printable(folder)}: the folders {printable(', '.join(named))} are not "
        "taken for splits; to have them, list the videos in a manifest with a column split"
    )
    return replace(dataset, notes=(*dataset.notes, note))
