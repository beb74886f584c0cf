"""The datasets that a configuration can name: a folder, a manifest, UCF101, or the built-in world.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.dataset.folder import read_folder
from unmuted.dataset.limits import video_limits
from unmuted.dataset.manifest import read_manifest
from unmuted.dataset.ucf101 import read_ucf101
from unmuted.dataset.videos import Dataset, Video
from unmuted.text import printable

if TYPE_CHECKING:
    from unmuted.demo_world.plan import ClipSpec


def read_dataset(config: Mapping[str, object]) -> Dataset:
    """The videos of a run, with the limits and the size of shards that belong to them.

    Raises UserError when they cannot be told apart or found.
    """
    limits, per_shard = video_limits(config["videos"]), config["videos_per_shard"]
    return replace(_read_videos(config), limits=limits, videos_per_shard=per_shard)


def _read_videos(config: Mapping[str, object]) -> Dataset:
    videos = config["videos"]
    if videos["source"] == "folder":
        return read_folder(Path(videos["folder"]), videos["follow_links"])
    if videos["source"] == "ucf101":
        return read_ucf101(Path(videos["ucf101"]), videos["follow_links"])
    if videos["source"] == "manifest":
        root = Path(videos["root"]) if "root" in videos else None
        manifest, columns = Path(videos["manifest"]), videos["columns"]
        return read_manifest(manifest, root, columns, videos["follow_links"])
    return _read_world(config)


def world_clips(config: Mapping[str, object]) -> dict[str, ClipSpec]:
    """Specifications of the built-in world's clips by video id."""
    from unmuted.demo_world.plan import plan_world

    demo = config["videos"]["demo"]
    specs = plan_world(
        demo.get("classes"),
        demo["clips_per_class"],
        demo["seed"],
        config["clips"]["seconds"],
        control=demo.get("control"),
    )
    return {spec.video_id: spec for spec in specs}


def _read_world(config: Mapping[str, object]) -> Dataset:
    clips = dict(sorted(world_clips(config).items()))
    videos = tuple(
        Video(
            spec.video_id,
            None,
            spec.label if spec.is_labelled else None,
            spec.split,
            spec.group,
        )
        for spec in clips.values()
    )
    return Dataset(videos, specifications=_Specifications(clips))


class _Specifications(Mapping[str, object]):
    """What each clip of the world is made from, as a JSON value, by video id."""

    def __init__(self, clips: Mapping[str, ClipSpec]) -> None:
        self._clips = clips

    def __getitem__(self, video_id: str) -> object:
        return asdict(self._clips[video_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._clips)

    def __len__(self) -> int:
        return len(self._clips)


def dataset_identity(config: Mapping[str, object]) -> dict[str, str]:
    """Kind of source and its resolved path, or the built-in world's control.

    A path inside the working directory is relative to it: the directory may be moved or copied
    with its results.
    """
    videos = config["videos"]
    kind = videos["source"]
    if kind == "demo":
        control = videos.get("demo", {}).get("control")
        return {"source": kind} | ({"control": control} if control else {})
    path, here = Path(videos[kind]).resolve(), Path.cwd().resolve()
    if path.is_relative_to(here):
        path = path.relative_to(here)
    return {"source": kind, "path": printable(path)}
