"""The videos of a run: which there are, in which shards they lie, how they are split.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from unmuted.dataset.splits import (
    DamagedSplits,
    check_classes,
    make_splits,
    read_groups,
    write_groups,
)
from unmuted.dataset.videos import Dataset, Video, check_experiment, missing_labels
from unmuted.digests import digest_json
from unmuted.engine.artifacts import atomic
from unmuted.engine.job_notes import read_note, table_note
from unmuted.engine.run_record import RunRecord, read_record, write_record
from unmuted.engine.shards import assign_shards, shard_like
from unmuted.engine.stage import Registry, Resplit
from unmuted.errors import UserError
from unmuted.text import printable

RESULTS = Path("results")
SPLITS_TABLE = RESULTS / "splits.csv"

Scope = frozenset[str] | None  # splits whose videos count; None: all videos
ALL = None


class ShardedDataset:
    """The videos that a configuration names, as a registry reads them.

    record: the record of the run that is read instead of the source; jobs read it.
    """

    def __init__(
        self, config: Mapping[str, Any], registry: Registry, record_path: Path | None = None
    ) -> None:
        self._config, self._registry = config, registry
        self.record: RunRecord | None = None
        if record_path is not None:
            self.record = read_record(record_path, self._source_digest)
        self._in_scope: dict[tuple[str, Scope], Mapping[str, Video]] = {}
        self._stamps: dict[str, list[object]] = {}
        self._resplit: Resplit | None = None
        self._base: ShardedDataset | None = None

    def write_record(
        self, path: Path, job_fingerprints: Mapping[str, Any], tools: Mapping[str, str]
    ) -> None:
        """Record the videos for jobs, with what was planned. Generated videos need no record."""
        if not self.is_generated:
            shards = ((shard, self._planned_videos(shard)) for shard in self.shards)
            write_record(
                path,
                self._source_digest,
                self.classes,
                shards,
                job_fingerprints,
                self.listing.videos_per_shard,
                self.listing.units,
                self.missing_labels,
                tools,
            )

    def _planned_videos(self, shard: str) -> Iterator[Video]:
        for video in self.videos_of(shard).values():
            yield replace(video, planned=self.stamp(video)[1:])

    @property
    def _source_digest(self) -> str:
        sections = ("videos", "videos_per_shard", *self._registry.source_settings)
        return digest_json([self._config[section] for section in sections])

    # --- videos -----------------------------------------------------------------------------------

    @cached_property
    def listing(self) -> Dataset:
        """The dataset as it was read. Raises UserError when videos are missing or ambiguous."""
        if self._base is not None:
            return self._base.listing
        if self.record is not None:
            videos, per_shard = tuple(self.record.all()), self.record.videos_per_shard
            return Dataset(videos, videos_per_shard=per_shard)
        return self._registry.read_dataset(self._config)

    @cached_property
    def videos(self) -> Mapping[str, Video]:
        """The videos by id, sorted by id."""
        return {video.video_id: video for video in self.listing.videos}

    @cached_property
    def classes(self) -> list[str]:
        """The classes of the labelled videos, in alphabetical order."""
        return self.listing.classes if self.record is None else list(self.record.classes)

    @cached_property
    def missing_labels(self) -> str:
        """Why there is nothing to learn from and to measure; empty where there are labels."""
        return missing_labels(self.listing) if self.record is None else self.record.missing_labels

    @property
    def is_generated(self) -> bool:
        """Whether the videos are made by a stage of the workflow, from specifications."""
        return self.record is None and self.listing.specifications is not None

    @property
    def specifications(self) -> Mapping[str, Any]:
        """What generated videos are made from: JSON values by id. Empty for other datasets."""
        return self.listing.specifications or {} if self.is_generated else {}

    def stamp(self, video: Video) -> list[object]:
        """Return the stamp of a source video, looked up once; in a job, the planned one."""
        if video.video_id not in self._stamps:
            self._stamps[video.video_id] = video.stamp()
        return self._stamps[video.video_id]

    @property
    def table_digest(self) -> str:
        """Digest of the dataset as a table; for `params:` of the rule that writes it."""
        return digest_json(
            [
                [v.video_id, printable(v.path or ""), v.label, v.split, v.group, dict(v.extra)]
                + ([] if v.unit is None else [v.unit])
                for v in self.listing.videos
            ]
        )

    # --- shards -----------------------------------------------------------------------------------

    @cached_property
    def shards(self) -> Mapping[str, list[str]]:
        """Shard names with the ids of their videos."""
        listing = self.listing
        return assign_shards(list(self.videos), listing.videos_per_shard, listing.units)

    def has_shard(self, shard: str) -> bool:
        """Return whether a shard is part of this run."""
        return shard in (self.shards if self.record is None else self.record)

    def videos_of(self, shard: str) -> Mapping[str, Video]:
        """Return the videos of one shard by id; none for a shard that is not part of this run."""
        if self.record is not None:
            return {video.video_id: video for video in self.record.of_shard(shard)}
        return {name: self.videos[name] for name in self.shards.get(shard, [])}

    @cached_property
    def shard_of(self) -> Mapping[str, str]:
        """Shard name of every video."""
        return {video: shard for shard, videos in self.shards.items() for video in videos}

    def find_shard(self, video_id: str) -> str:
        """Return the shard of a video of this run; a job reads no other videos for it."""
        if self.record is None:
            return self.shard_of[video_id]
        unit = self.record.units.get(video_id, video_id)
        return shard_like(next(iter(self.record)), unit, self.record.videos_per_shard)

    def require_shard(self, video_id: str) -> str:
        """Return the shard of a video; raises UserError for an id that is not part of this run."""
        if video_id not in self.shard_of:
            raise UserError(
                f"no video {video_id!r} in this run; results/videos.csv lists the ids "
                "(`snakemake --cores 1 results/videos.csv` writes it)"
            )
        return self.shard_of[video_id]

    # --- units ------------------------------------------------------------------------------------

    def units_of(self, shard: str) -> dict[str, dict[str, Video]]:
        """Return the videos of one shard by unit and id; a video on its own is a unit."""
        return by_unit(self.videos_of(shard))

    @cached_property
    def shard_of_unit(self) -> Mapping[str, str]:
        """Shard name of every unit."""
        return {self.videos[video].unit or video: shard for video, shard in self.shard_of.items()}

    def find_unit_shard(self, unit: str) -> str:
        """Return the shard of a unit of this run; a job reads no other videos for it."""
        if self.record is None:
            return self.shard_of_unit[unit]
        return shard_like(next(iter(self.record)), unit, self.record.videos_per_shard)

    def require_unit_shard(self, unit: str) -> str:
        """Return the shard of a unit; raises UserError for one that is not part of this run."""
        if unit not in self.shard_of_unit:
            raise UserError(
                f"no unit {unit!r} in this run; the column unit of results/videos.csv lists them "
                "(`snakemake --cores 1 results/videos.csv` writes it)"
            )
        return self.shard_of_unit[unit]

    # --- splits -----------------------------------------------------------------------------------

    @property
    def split_shares(self) -> dict[str, float]:
        """Share of the videos in each split, where the manifest gives none."""
        splits = self._config["splits"]
        return {
            "train": splits["train"],
            "val": splits["val"],
            "test": 1 - splits["train"] - splits["val"],
        }

    @property
    def splits_digest(self) -> str:
        """Digest of how splits are made, where the manifest gives none."""
        return digest_json([self.split_shares, self._config["splits"]["seed"]])

    @property
    def kept_splits(self) -> Path:
        """Where made splits are kept, next to the table: Snakemake deletes outputs."""
        return RESULTS / f".splits-{self.splits_digest[:12]}.csv"

    @cached_property
    def splits(self) -> Mapping[str, str]:
        """Split of every labelled video, by id; groups that had one before keep it.

        Raises UserError where labels and given splits allow no experiment.
        """
        if self._resplit is not None:
            return self._resplit(self.listing.videos)
        if self.record is None:  # else it was checked when the run was planned
            check_experiment(self.listing)
        seed = self._config["splits"]["seed"]
        return make_splits(self.listing.videos, self.split_shares, seed, self.earlier_groups)

    def resplit(self, resplit: Resplit) -> ShardedDataset:
        """Return the same videos with other splits, for a scenario."""
        other = copy(self)
        other.__dict__.pop("splits", None)
        other._resplit, other._base, other._in_scope = resplit, self, {}
        return other

    @property
    def is_resplit(self) -> bool:
        """Whether the splits are those of a scenario, which no table holds."""
        return self._resplit is not None

    @cached_property
    def earlier_groups(self) -> Mapping[str, str]:
        """The split of every group that had one before.

        Where the file that keeps them is damaged, the table of splits has those of the present
        groups. Raises UserError where that is not whole either.
        """
        try:
            return read_groups(self.kept_splits) if os.path.lexists(self.kept_splits) else {}
        except DamagedSplits as error:
            if not self._has_whole_table():
                raise UserError(
                    f"{error}, and {SPLITS_TABLE} cannot take its place: put back a copy of either,"
                    f" or delete {self.kept_splits}, and splits are made anew"
                ) from error
            return read_groups(SPLITS_TABLE)

    def _has_whole_table(self) -> bool:
        """Return whether the table of splits is the one that its job wrote for these settings."""
        note = read_note(table_note(SPLITS_TABLE))
        return (
            note is not None and note.fingerprint == self.splits_digest and note.has(SPLITS_TABLE)
        )

    def repair_kept_splits(self) -> None:
        """Write the file of kept splits again if it is damaged, before the table is replaced."""
        try:
            if os.path.lexists(self.kept_splits):
                read_groups(self.kept_splits)
        except DamagedSplits:
            with atomic(self.kept_splits) as temporary:
                write_groups(temporary, self.earlier_groups)

    def check_labels(self) -> None:
        """Raise UserError where labels and splits contradict an experiment, however large.

        Where the targets are what is to be found, a class may be tested that is not trained on.
        """
        splits = self.splits
        if not self.listing.has_targets:
            check_classes(self.listing.videos, splits)

    def is_in(self, scope: Scope, video_id: str) -> bool:
        """Return whether a video is in one of the splits of a scope."""
        return scope is ALL or self.splits.get(video_id) in scope

    def videos_in(self, shard: str, scope: Scope) -> Mapping[str, Video]:
        """Return the videos of a shard that are in a scope, by id; many stages ask for them."""
        if (shard, scope) not in self._in_scope:
            videos = self.videos_of(shard).items()
            in_scope = {name: video for name, video in videos if self.is_in(scope, name)}
            self._in_scope[shard, scope] = in_scope
        return self._in_scope[shard, scope]

    def experiment_table(self, scope: Scope) -> list[object]:
        """Return labels, groups and splits of the videos in a scope, and all classes, as JSON."""
        table = [
            [video.video_id, video.label, video.split, video.group, self.splits.get(video.video_id)]
            for video in self.listing.videos
            if self.is_in(scope, video.video_id)
        ]
        return [table, self.classes, self.splits_digest]


def by_unit(videos: Mapping[str, Video]) -> dict[str, dict[str, Video]]:
    """Return videos by unit and id, both sorted; a video on its own is a unit by its id."""
    units: dict[str, dict[str, Video]] = {}
    for video_id, video in sorted(videos.items()):
        units.setdefault(video.unit or video_id, {})[video_id] = video
    return dict(sorted(units.items()))
