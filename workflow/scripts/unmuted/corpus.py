"""The videos of a run: which there are, in which shards they lie, how they may be split.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from unmuted.config import check_config
from unmuted.dataset import Dataset, Video
from unmuted.errors import UserError
from unmuted.manifest import read_manifest
from unmuted.noted import NotedVideos, note_videos, read_note
from unmuted.recipes import digest_json
from unmuted.shards import assign_shards
from unmuted.ucf101 import read_ucf101
from unmuted.video_folder import read_folder


class Corpus:
    """The configuration with the videos that it names."""

    def __init__(self, config: Mapping[str, object]) -> None:
        self.config = check_config(config)
        self.is_demo = self.config["videos"]["source"] == "demo"
        self.noted: NotedVideos | None = None  # read instead of the source, by jobs

    def read_note(self, path: Path) -> None:
        """Read the videos from a note of this run from now on, where there is one."""
        self.noted = read_note(path, self._source_digest)

    def note_videos(self, path: Path, visits: Mapping[str, object]) -> None:
        """Note the videos for `read_note`, with visits. The demo's are known without."""
        if not self.is_demo:
            shards = ((shard, self.videos_of(shard).values()) for shard in self.shards)
            note_videos(path, self._source_digest, shards, visits)

    @property
    def _source_digest(self) -> str:
        return digest_json([self.config["videos"], self.config["videos_per_shard"]])

    @cached_property
    def dataset(self) -> Dataset:
        """The videos of this run. Raises UserError when they cannot be told apart or found."""
        videos = self.config["videos"]
        if self.noted is not None:
            return Dataset(tuple(self.noted.all()))
        if videos["source"] == "folder":
            return read_folder(Path(videos["folder"]), videos["follow_links"])
        if videos["source"] == "ucf101":
            return read_ucf101(Path(videos["ucf101"]), videos["follow_links"])
        if videos["source"] == "manifest":
            root = Path(videos["root"]) if "root" in videos else None
            manifest, columns = Path(videos["manifest"]), videos["columns"]
            return read_manifest(manifest, root, columns, videos["follow_links"])
        return Dataset(
            tuple(
                Video(
                    spec.video_id,
                    None,
                    spec.label if spec.is_labelled else None,
                    spec.split,
                    spec.group,
                )
                for spec in sorted(self.demo_clips.values(), key=lambda spec: spec.video_id)
            )
        )

    @cached_property
    def demo_clips(self) -> Mapping[str, object]:
        """Specifications of the demo's clips by video id."""
        from unmuted.world.plan import plan_world

        demo = self.config["videos"]["demo"]
        seconds = self.config["clips"]["seconds"]
        specs = plan_world(
            demo.get("classes"),
            demo["clips_per_class"],
            demo["seed"],
            seconds,
            control=demo.get("control"),
        )
        return {spec.video_id: spec for spec in specs}

    @cached_property
    def videos(self) -> Mapping[str, Video]:
        """The videos by id."""
        return {video.video_id: video for video in self.dataset.videos}

    @cached_property
    def shards(self) -> Mapping[str, list[str]]:
        """Shard names with the ids of their videos."""
        return assign_shards(list(self.videos), self.config["videos_per_shard"])

    def has_shard(self, shard: str) -> bool:
        """Whether a shard is part of this run."""
        return shard in (self.shards if self.noted is None else self.noted)

    def videos_of(self, shard: str) -> Mapping[str, Video]:
        """The videos of one shard by id; none for a shard that is not part of this run."""
        if self.noted is not None:
            return {video.video_id: video for video in self.noted.of_shard(shard)}
        return {name: self.videos[name] for name in self.shards.get(shard, [])}

    @cached_property
    def shard_of(self) -> Mapping[str, str]:
        """Shard name of every video."""
        return {video: shard for shard, videos in self.shards.items() for video in videos}

    def require_shard(self, video_id: str) -> str:
        """Shard of a video; raises UserError for an id that is not part of this run."""
        if video_id not in self.shard_of:
            raise UserError(
                f"no video {video_id!r} in this run; the ids stand in results/videos.csv "
                "(`snakemake --cores 1 results/videos.csv` writes it)"
            )
        return self.shard_of[video_id]

    @property
    def split_shares(self) -> dict[str, float]:
        """Share of the videos in each split, where the manifest gives none."""
        splits = self.config["splits"]
        return {
            "train": splits["train"],
            "val": splits["val"],
            "test": 1 - splits["train"] - splits["val"],
        }
