"""The datasets that a configuration can name: folders, tables, UCF101, matches, built-in worlds.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.dataset.events import Event
from unmuted.dataset.finding import located, why_missing
from unmuted.dataset.folder import read_folder
from unmuted.dataset.labels import Labels
from unmuted.dataset.manifest import read_manifest
from unmuted.dataset.matches import EVENTS, read_match_manifest, read_soccernet, targets_of
from unmuted.dataset.ucf101 import read_ucf101
from unmuted.dataset.videos import SPLITS, Dataset, Video
from unmuted.errors import UserError
from unmuted.text import printable

if TYPE_CHECKING:
    from unmuted.demo_world.families.plan import FamilyClipSpec
    from unmuted.demo_world.matches.spec import RecordingSpec
    from unmuted.demo_world.plan import ClipSpec

# Decoys of the built-in matches that people who label matches would name.
DECOYS = {"corner": "Corner", "foul": "Foul", "kick-off": "Kick-off"}


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
    if videos["source"] == "matches":
        return _read_matches(config["matches"], videos["follow_links"])
    return _read_world(config)


def _read_matches(matches: Mapping[str, Any], follow_links: bool) -> Dataset:
    kinds = matches["kinds"]
    if matches["source"] == "manifest":
        manifest = _source(matches, "manifest", "matches")
        return read_match_manifest(manifest, kinds, follow_links)
    if matches["source"] == "soccernet":
        splits = matches["splits"]
        lists = {name: _source(splits, name, "matches.splits") for name in SPLITS if name in splits}
        return read_soccernet(_source(matches, "soccernet", "matches"), lists, kinds)
    return _read_world_of_matches(matches)


def _source(section: Mapping[str, Any], key: str, name: str = "videos") -> Path:
    """Return the place under a key of a section, with `~` and variables replaced.

    Raises UserError if there is nothing, and part of it could not be replaced or is spelled
    otherwise.
    """
    path = located(section[key])
    if not path.exists() and (hint := why_missing(section[key])):
        raise UserError(f"{name}.{key}: there is no {printable(path)}; {hint}")
    return path


def family_clips(config: Mapping[str, Any]) -> dict[str, FamilyClipSpec]:
    """Plan the specifications of the clips of the built-in world of families, by video id."""
    from unmuted.demo_world.families.plan import plan_families

    demo = config["videos"]["demo"]
    counts = demo["families"]
    specs = plan_families(
        counts["pictures"],
        {split: counts[split] for split in ("val", "test")},
        counts["extra"],
        demo["seed"],
        config["clips"]["seconds"],
    )
    return {spec.video_id: spec for spec in specs}


def has_families(config: Mapping[str, Any]) -> bool:
    """Return whether the videos are those of the built-in world of families."""
    videos = config["videos"]
    return bool(videos["source"] == "demo" and videos["demo"]["kind"] == "segmentation")


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


def _read_families(config: Mapping[str, Any]) -> Dataset:
    clips = dict(sorted(family_clips(config).items()))
    specifications = _Specifications(clips)
    videos = tuple(
        Video(
            spec.video_id,
            None,
            spec.label,
            spec.split,
            spec.group,
            extra=spec.extra,
            targets={"world": specifications[spec.video_id]},
        )
        for spec in clips.values()
    )
    return Dataset(videos, specifications=specifications, has_targets=True)


def _read_world(config: Mapping[str, Any]) -> Dataset:
    if has_families(config):
        return _read_families(config)
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


def demo_recordings(demo: Mapping[str, Any]) -> dict[str, RecordingSpec]:
    """Plan the specifications of the built-in matches, by video id; demo: its section."""
    from unmuted.demo_world.matches.plan import plan_matches

    specs = plan_matches(demo["matches"], demo["seconds"], demo["seed"], demo["kind"])
    return {spec.video_id: spec for spec in specs}


def _read_world_of_matches(matches: Mapping[str, Any]) -> Dataset:
    recordings = dict(sorted(demo_recordings(matches["demo"]).items()))
    videos = tuple(
        Video(
            spec.video_id,
            None,
            EVENTS if spec.is_labelled else None,
            spec.split,
            spec.match,
            extra={"half": str(spec.half), "match": spec.game},
            unit=spec.match,
            targets=targets_of(
                spec.game,
                {spec.half: 0.0},
                _demo_labels(spec) if spec.is_labelled else None,
                matches["kinds"],
            ),
        )
        for spec in recordings.values()
    )
    return Dataset(videos, specifications=_Specifications(recordings), has_targets=True)


def _demo_labels(spec: RecordingSpec) -> Labels:
    from unmuted.demo_world.matches.spec import events_of

    events = [
        Event(event.half, event.milliseconds, event.kind, event.is_shown)
        for event in events_of(spec)
    ]
    others = [
        Event(spec.half, round(1000 * decoy.moment), DECOYS[decoy.what])
        for decoy in spec.decoys
        if decoy.what in DECOYS
    ]
    return Labels(tuple(sorted(events + others)))


class _Specifications(Mapping[str, object]):
    """The specification of each video of a world, as a JSON value, by video id."""

    def __init__(self, clips: Mapping[str, ClipSpec | FamilyClipSpec | RecordingSpec]) -> None:
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
    if kind == "matches":
        matches = config["matches"]
        if matches["source"] == "demo":
            return {"source": "demo of matches", "kind": matches["demo"]["kind"]}
        videos, kind = matches, matches["source"]
    if kind == "demo":
        return {"source": kind, "kind": videos["demo"]["kind"]}
    path, here = located(videos[kind]).resolve(), Path.cwd().resolve()
    if path.is_relative_to(here):
        path = path.relative_to(here)
    return {"source": kind, "path": printable(path)}
