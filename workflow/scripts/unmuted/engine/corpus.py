"""The videos of a run: which there are, in which shards they lie, how they may be split.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from unmuted.dataset.videos import Dataset, Video
from unmuted.digests import digest_json
from unmuted.engine.noted import NotedVideos, note_videos, read_note
from unmuted.engine.shards import assign_shards, shard_like
from unmuted.engine.stage import Registry
from unmuted.errors import UserError


class Corpus:
    """The configuration with the videos that it names, as a registry reads them."""

    def __init__(self, config: Mapping[str, object], registry: Registry) -> None:
        self.registry = registry
        self.config = registry.check_config(config)
        self.noted: NotedVideos | None = None  # read instead of the source, by jobs

    def read_note(self, path: Path) -> None:
        """Read the videos from a note of this run from now on, where there is one."""
        self.noted = read_note(path, self._source_digest)

    def note_videos(self, path: Path, visits: Mapping[str, object]) -> None:
        """Note the videos for `read_note`, with visits. Generated ones are known without."""
        if not self.is_generated:
            shards = ((shard, self.videos_of(shard).values()) for shard in self.shards)
            note_videos(path, self._source_digest, self.dataset.classes, shards, visits)

    @property
    def _source_digest(self) -> str:
        return digest_json([self.config["videos"], self.config["videos_per_shard"]])

    @cached_property
    def dataset(self) -> Dataset:
        """The videos of this run. Raises UserError when they cannot be told apart or found."""
        if self.noted is not None:
            return Dataset(tuple(self.noted.all()))
        return self.registry.read_dataset(self.config)

    @property
    def is_generated(self) -> bool:
        """Whether the videos are made by a stage of the workflow, from specifications."""
        return self.noted is None and self.dataset.specifications is not None

    @cached_property
    def classes(self) -> list[str]:
        """The classes of the labelled videos, in alphabetical order."""
        return self.dataset.classes if self.noted is None else list(self.noted.classes)

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

    def find_shard(self, video_id: str) -> str:
        """Shard of a video of this run; in a job without a look at the other videos."""
        if self.noted is None:
            return self.shard_of[video_id]
        return shard_like(next(iter(self.noted)), video_id, self.config["videos_per_shard"])

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
