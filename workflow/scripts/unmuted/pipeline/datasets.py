"""The datasets that a configuration can name: a folder, a manifest, UCF101, or the built-in world.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.dataset.finding import located, why_missing
from unmuted.dataset.folder import read_folder
from unmuted.dataset.manifest import read_manifest
from unmuted.dataset.ucf101 import read_ucf101
from unmuted.dataset.videos import Dataset, Video
from unmuted.errors import UserError
from unmuted.text import printable

if TYPE_CHECKING:
    from unmuted.demo_world.plan import ClipSpec


def read_dataset(config: Mapping[str, Any]) -> Dataset:
    """Read the videos of a run, with the size of their shards.

    Raises UserError if they are not unique or cannot be found.
    """
    return replace(_read_videos(config), videos_per_shard=config["videos_per_shard"])


def _read_videos(config: Mapping[str, Any]) -> Dataset:
    videos = config["videos"]
    if videos["source"] == "folder":
        return read_folder(_source(videos, "folder"), videos["follow_links"])
    if videos["source"] == "ucf101":
        return read_ucf101(_source(videos, "ucf101"), videos["follow_links"])
    if videos["source"] == "manifest":
        root = _source(videos, "root") if "root" in videos else None
        manifest, columns = _source(videos, "manifest"), videos["columns"]
        return read_manifest(manifest, root, columns, videos["follow_links"])
    return _read_world(config)


def _source(videos: Mapping[str, Any], key: str) -> Path:
    """Return the place under a key of the section `videos`, with `~` and variables replaced.

    Raises UserError if there is nothing, and part of it could not be replaced or is spelled
    otherwise.
    """
    path = located(videos[key])
    if not path.exists() and (hint := why_missing(videos[key])):
        raise UserError(f"videos.{key}: there is no {printable(path)}; {hint}")
    return path


def world_clips(config: Mapping[str, Any]) -> dict[str, ClipSpec]:
    """Plan the specifications of the built-in world's clips, by video id."""
    from unmuted.demo_world.plan import plan_world

    demo = config["videos"]["demo"]
    specs = plan_world(
        demo.get("classes"),
        demo["clips_per_class"],
        demo["seed"],
        config["clips"]["seconds"],
        kind=demo["kind"],
    )
    return {spec.video_id: spec for spec in specs}


def _read_world(config: Mapping[str, Any]) -> Dataset:
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
    """The specification of each clip of the world, as a JSON value, by video id."""

    def __init__(self, clips: Mapping[str, ClipSpec]) -> None:
        self._clips = clips

    def __getitem__(self, video_id: str) -> object:
        return asdict(self._clips[video_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._clips)

    def __len__(self) -> int:
        return len(self._clips)


def dataset_identity(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of source and its resolved path, or the kind of the built-in world.

    A path inside the working directory is relative to it: the directory may be moved or copied
    with its results.
    """
    videos = config["videos"]
    kind = videos["source"]
    if kind == "demo":
        return {"source": kind, "kind": videos["demo"]["kind"]}
    path, here = located(videos[kind]).resolve(), Path.cwd().resolve()
    if path.is_relative_to(here):
        path = path.relative_to(here)
    return {"source": kind, "path": printable(path)}
