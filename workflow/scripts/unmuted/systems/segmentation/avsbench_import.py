"""AVSBench as a table of videos with masks, which the workflow reads as it reads one's own data."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unmuted.dataset.avsbench import AvsBench, AvsBenchClip, read_avsbench, straddling_text
from unmuted.dataset.limits import Limits
from unmuted.dataset.videos import STRADDLING, is_video_id, video_id_from_name
from unmuted.digests import digest_bytes
from unmuted.errors import UserError
from unmuted.files import NotAFile, read_bytes_up_to
from unmuted.media.confinement import confine
from unmuted.media.ffmpeg import binary, first_error
from unmuted.text import printable

Splits = Literal["own", "published"]
MANIFEST = "manifest.csv"
MOST_BYTES = 64_000_000  # of a picture
COLUMNS = ["path", "video_id", "label", "group", "masks"]


@dataclass(frozen=True)
class Imported:
    """What was made of a set. videos: how many. problems: clips left out, and why."""

    manifest: Path
    videos: int
    problems: tuple[str, ...]
    never_read: int
    straddling: str
    settings: str

    def __str__(self) -> str:
        lines = [f"{self.manifest}: {self.videos} videos"]
        lines += [f"left out: {problem}" for problem in self.problems[:20]]
        if len(self.problems) > 20:
            lines.append(f"... and {len(self.problems) - 20} more")
        if self.never_read:
            lines.append(f"{self.never_read} pickles and arrays were not opened")
        if self.straddling:
            lines.append(f"sources_straddle: {self.straddling} (have siblings in train)")
        return "\n".join([*lines, "", "For the configuration:", self.settings])


def import_avsbench(root: Path, out: Path, splits: Splits = "own") -> Imported:
    """Write a manifest, videos and masks of one of AVSBench's sets.

    root: as it was handed out; nothing in it is changed. out: an empty folder, or none yet. splits:
    "published", or those that the workflow makes by source, so that no source is in two of them.

    Raises UserError as `read_avsbench` does, and where `out` has files.
    """
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{printable(out)}: expected an empty folder, or none; give another")
    found = read_avsbench(root)
    flag = straddling_text(found.straddling) if splits == "published" else ""
    rows, problems = [], []
    taken: set[str] = set()
    for clip in found.clips:
        video_id = _unique(clip.name, taken)
        try:
            rows.append(_import_clip(clip, video_id, out, splits, flag))
        except (OSError, ValueError, UserError) as error:
            problems.append(f"{clip.name}: {error}")
    if not rows:
        raise UserError(f"{printable(root)}: no clip could be imported; first: {problems[0]}")
    columns = [*COLUMNS, *(["split"] if splits == "published" else [])]
    columns += [STRADDLING] if flag else []
    manifest = out / MANIFEST
    with open(manifest, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    settings = _settings(found, manifest)
    return Imported(manifest, len(rows), tuple(problems), found.never_read, flag, settings)


def _unique(name: str, taken: set[str]) -> str:
    """Return the id of a clip; two names may differ in case alone, which file systems ignore."""
    video_id = video_id_from_name(name)
    if video_id.casefold() in taken or not is_video_id(video_id):
        video_id = f"{video_id[:100]}-{digest_bytes(name.encode())[:10]}"
    taken.add(video_id.casefold())
    return video_id


def _import_clip(
    clip: AvsBenchClip, video_id: str, out: Path, splits: Splits, flag: str
) -> dict[str, str]:
    """Write the files of a clip and return its row of the manifest."""
    if not clip.is_usable:
        raise ValueError("neither a raw video nor frames with sound")
    if clip.video is not None:
        path = out / "videos" / f"{video_id}{clip.video.suffix.lower()}"
        _link_or_copy(clip.video, path)
    else:
        path = out / "videos" / f"{video_id}.mkv"
        _join(clip, path)
    # In published splits that siblings straddle, those of one split stay together.
    group = f"{clip.source}-{clip.split}" if flag else clip.source
    row = {
        "path": path.relative_to(out).as_posix(),
        "video_id": video_id,
        "label": clip.label or "",
        "group": group,
        "masks": "",
    }
    if splits == "published":
        row["split"] = clip.split
    if flag:
        row[STRADDLING] = flag
    if clip.masks:
        folder = out / "masks" / video_id
        folder.mkdir(parents=True)
        for second, mask in sorted(clip.masks.items()):
            (folder / f"{second}.png").write_bytes(_read(mask))
        row["masks"] = folder.relative_to(out).as_posix()
    return row


def _read(path: Path) -> bytes:
    """Return the bytes of a picture, which is no link. Raises ValueError for a larger one."""
    try:
        content = read_bytes_up_to(path, MOST_BYTES)
    except NotAFile as error:
        raise ValueError(str(error)) from error
    if len(content) > MOST_BYTES:
        raise ValueError(f"{printable(path)}: more than {MOST_BYTES:,} bytes")
    return content


def _link_or_copy(source: Path, target: Path) -> None:
    """Let two names share a file where they can, which takes no space."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        raise ValueError(f"{printable(source)}: expected a file, found a link")
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _join(clip: AvsBenchClip, target: Path) -> None:
    """Write frames of a second each, and the sound, to a video without any loss."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if clip.audio is None or clip.audio.is_symlink():
        raise ValueError("the sound is no file")
    codec = "mjpeg" if clip.frames[0].suffix == ".jpg" else "png"
    command = [
        *(binary(), "-nostdin", "-v", "error", "-y"),
        *("-protocol_whitelist", "pipe", "-f", "image2pipe", "-framerate", "1", "-c:v", codec),
        *("-i", "pipe:0", "-protocol_whitelist", "file", "-f", "wav"),
        *("-i", f"file:{os.path.abspath(clip.audio)}", "-map", "0:v", "-map", "1:a"),
        *("-c:v", "ffv1", "-c:a", "copy", "-fflags", "+bitexact"),
        f"file:{os.path.abspath(target)}",
    ]
    content = b"".join(map(_read, clip.frames))
    target.touch()  # the sandbox shows what is there
    confined = confine(command, clip.audio, Limits(), writes=target)
    done = subprocess.run(confined, input=content, capture_output=True, check=False)
    if done.returncode != 0:
        target.unlink(missing_ok=True)
        log = done.stderr.decode(errors="replace")
        raise ValueError(f"ffmpeg cannot join frames and sound: {first_error(log) or log[:200]}")


def _settings(found: AvsBench, manifest: Path) -> str:
    """Return the lines of a configuration that fit this set."""
    lines: Sequence[str] = [
        "videos:",
        "  source: manifest",
        f"  manifest: {printable(manifest)}",
        "avs:",
        "  frame_at: 0.9375 # where in its second the annotated frame is",
        "  mask_aspect: squashed",
    ]
    if found.layout == "avss":
        lines = [*lines, "  foreground: nonzero # masks of classes, here of whatever sounds"]
    return "\n".join(lines)
