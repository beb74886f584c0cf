"""AVSBench as its authors hand it out: which files belong to a clip, in each of three layouts.

Zhou et al., "Audio-Visual Segmentation", ECCV 2022. Its log-mel spectrograms are pickles, which can
run programs when they are read: they are counted, and never opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from unmuted.dataset.table import read_table
from unmuted.dataset.videos import SPLITS, raise_problems
from unmuted.errors import UserError
from unmuted.text import one_line, printable

SOURCE_LETTERS = 11  # of a clip's name: the id of the video on YouTube that it was cut from
NEVER_READ = (".pkl", ".pt", ".pth", ".npy", ".npz")
S4_CLASSES = frozenset(
    (
        "baby_laughter",
        "female_singing",
        "male_speech",
        "dog_barking",
        "cat_meowing",
        "lions_roaring",
        "horse_clip-clop",
        "coyote_howling",
        "mynah_bird_singing",
        "playing_acoustic_guitar",
        "playing_tabla",
        "playing_violin",
        "playing_piano",
        "playing_ukulele",
        "playing_glockenspiel",
        "helicopter",
        "race_car",
        "driving_buses",
        "ambulance_siren",
        "typing_on_computer_keyboard",
        "chainsawing_trees",
        "cap_gun_shooting",
        "lawn_mowing",
    )
)
AVSS_PARTS = ("v1s", "v1m", "v2")
Layout = Literal["s4", "ms3", "avss"]
TABLES: dict[Layout, str] = {
    "s4": "s4_meta_data.csv",
    "ms3": "ms3_meta_data.csv",
    "avss": "metadata.csv",
}
COLUMNS: dict[Layout, tuple[str, ...]] = {
    "s4": ("name", "category", "split"),
    "ms3": ("video_id", "split"),
    "avss": ("vid", "uid", "split", "label"),
}


@dataclass(frozen=True)
class AvsBenchClip:
    """The files of one clip; any of them may be missing.

    name: of the clip. source: the video that it was cut from. split: as published. label: its
    class, None where clips have several. video, audio: paths. frames: paths, in order. masks: paths
    by second, from 0.
    """

    name: str
    source: str
    split: str
    label: str | None
    video: Path | None
    audio: Path | None
    frames: tuple[Path, ...]
    masks: Mapping[int, Path]

    @property
    def is_usable(self) -> bool:
        """Whether there are pictures and sound: as a video, or apart."""
        return self.video is not None or (self.audio is not None and bool(self.frames))


@dataclass(frozen=True)
class AvsBench:
    """What is there of one of the three sets. never_read: how many files, such as pickles."""

    layout: Layout
    clips: tuple[AvsBenchClip, ...]
    never_read: int = 0
    straddling: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def read_avsbench(root: Path) -> AvsBench:
    """Return the clips below a folder that holds one of the three sets.

    Raises:
        UserError: there is no table of a set or several, a row is not as published (split, class,
            clip twice), or no clip has both pictures and sound.
    """
    layout, table = _find_table(root)
    rows = _read_rows(table, layout)
    base = table.parent
    if layout != "avss" and (base / f"{layout}_data").is_dir():
        base /= f"{layout}_data"
    clips = tuple(_CLIP_OF_ROW[layout](base, row) for row in rows)
    never_read = _count_never_read(base)
    if not any(clip.is_usable for clip in clips):
        raise UserError(
            f"{printable(base)}: audio_wav or raw_videos needed; pickles are never read"
            f" ({len(clips)} clips in {table.name}, none with pictures and sound;"
            f" files that are never read: {never_read})"
        )
    return AvsBench(layout, clips, never_read, straddling(clips))


def straddling(clips: Sequence[AvsBenchClip]) -> dict[str, tuple[int, int]]:
    """Return, for val and test, how many clips have a sibling in train, and how many there are.

    Siblings are cut from the same video.
    """
    trained = {clip.source for clip in clips if clip.split == "train"}
    counts = {}
    for split in ("test", "val"):
        sources = [clip.source for clip in clips if clip.split == split]
        counts[split] = (sum(source in trained for source in sources), len(sources))
    return counts


def straddling_text(counts: Mapping[str, tuple[int, int]]) -> str:
    """Return what every report must say of splits that siblings straddle; empty if none does."""
    if not any(count for count, _ in counts.values()):
        return ""
    return ", ".join(f"{split} {count} of {total}" for split, (count, total) in counts.items())


def _find_table(root: Path) -> tuple[Layout, Path]:
    found = [
        (layout, path)
        for layout, name in TABLES.items()
        for pattern in ("", "*/", "*/*/")
        for path in sorted(root.glob(pattern + name))
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(TABLES.values())
    if not found:
        raise UserError(f"{printable(root)}: expected one of {names}, in it or two folders below")
    shown = ", ".join(printable(path) for _, path in found)
    raise UserError(f"{printable(root)}: found {shown}; give the folder of one of them")


def _read_rows(table: Path, layout: Layout) -> list[dict[str, str]]:
    """Return the rows of a table. Raises UserError listing all that are not as published."""
    columns = COLUMNS[layout]
    content = read_table(table, "import_avsbench", columns[0])
    if missing := [name for name in columns if name not in content.header]:
        raise UserError(
            f"{printable(table)}: expected the columns {', '.join(columns)}, found no {missing[0]}"
        )
    problems, rows = [], []
    seen: set[str] = set()
    for line, cells in content.rows:
        problem = "more or fewer fields than the header"
        if cells is not None:
            row = {name: value.strip() for name, value in cells.items()}
            problem = _about(row, layout, seen)
            rows.append(row)
        if problem:
            problems.append(f"line {line}: {problem}")
    raise_problems(problems, printable(table))
    return rows


def _about(row: Mapping[str, str], layout: Layout, seen: set[str]) -> str:
    """Say what is wrong with a row; seen: names of clips so far, this one is added."""
    key = "uid" if layout == "avss" else COLUMNS[layout][0]
    name = row[key]
    is_safe = bool(name) and name == os.path.basename(name) and name not in (".", "..")
    if not is_safe or not name.isprintable():
        return f"{key} {one_line(name, 60)!r} is no name of a file"
    if name in seen:
        return f"{key} {one_line(name, 60)!r} is there twice"
    seen.add(name)
    if row["split"] not in SPLITS:
        return f"split {one_line(row['split'], 60)!r} is none of {', '.join(SPLITS)}"
    if layout == "s4" and row["category"] not in S4_CLASSES:
        return f"category {one_line(row['category'], 60)!r} is none of the {len(S4_CLASSES)}"
    if layout == "avss" and row["label"] not in AVSS_PARTS:
        return f"label {one_line(row['label'], 60)!r} is none of {', '.join(AVSS_PARTS)}"
    return ""


def _s4_clip(base: Path, row: Mapping[str, str]) -> AvsBenchClip:
    name, split, category = row["name"], row["split"], row["category"]
    inner = Path(split, category)
    return AvsBenchClip(
        name,
        name[:SOURCE_LETTERS],
        split,
        category,
        _existing(base / "raw_videos" / inner / f"{name}.mp4"),
        _existing(base / "audio_wav" / inner / f"{name}.wav"),
        _numbered(base / "visual_frames" / inner / name, f"{name}_"),
        dict(_masks(base / "gt_masks" / inner / name, f"{name}_", first=1)),
    )


def _ms3_clip(base: Path, row: Mapping[str, str]) -> AvsBenchClip:
    name, split = row["video_id"], row["split"]
    return AvsBenchClip(
        name,
        name[:SOURCE_LETTERS],
        split,
        None,
        _existing(base / "raw_videos" / f"{name}.mp4"),
        _existing(base / "audio_wav" / split / f"{name}.wav"),
        _numbered(base / "visual_frames" / name, f"{name}.mp4_"),
        dict(_masks(base / "gt_masks" / split / name, f"{name}_", first=1)),
    )


def _avss_clip(base: Path, row: Mapping[str, str]) -> AvsBenchClip:
    name = row["uid"]
    folder = base / row["label"] / name
    return AvsBenchClip(
        name,
        row["vid"][:SOURCE_LETTERS],
        row["split"],
        None,
        None,
        _existing(folder / "audio.wav"),
        _numbered(folder / "frames", "", ".jpg"),
        dict(_masks(folder / "labels_rgb", "", first=0)),
    )


_CLIP_OF_ROW = {"s4": _s4_clip, "ms3": _ms3_clip, "avss": _avss_clip}


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _numbered(folder: Path, beginning: str, suffix: str = ".png") -> tuple[Path, ...]:
    """Return the files <beginning><number><suffix> of a folder, by number."""
    return tuple(path for _, path in _with_numbers(folder, beginning, suffix))


def _masks(folder: Path, beginning: str, first: int) -> Iterator[tuple[int, Path]]:
    """Yield the second and the path of each mask; first: number of that of second 0."""
    for number, path in _with_numbers(folder, beginning, ".png"):
        if number >= first:
            yield number - first, path


def _with_numbers(folder: Path, beginning: str, suffix: str) -> list[tuple[int, Path]]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    numbers = []
    for name in names:
        number = name.removeprefix(beginning).removesuffix(suffix)
        is_whole = name == f"{beginning}{number}{suffix}"
        if is_whole and number.isascii() and number.isdigit() and len(number) <= 6:
            numbers.append((int(number), folder / name))
    return sorted(numbers)


def _count_never_read(base: Path) -> int:
    return sum(
        name.casefold().endswith(NEVER_READ) for _, _, names in os.walk(base) for name in names
    )
