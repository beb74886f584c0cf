"""Fingerprints of jobs: they change when a job may have work to do.

They are computed while Snakemake plans, over the stamps of the source videos and everything that is
upstream: Snakemake takes a missing ledger between stages for no reason to run (a job that failed
leaves one), so the rule of the last stage must know itself that something upstream has changed.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unmuted.digests import digest_json
from unmuted.engine.configured import ConfiguredStages
from unmuted.engine.damage import found_damage
from unmuted.engine.fingerprints import Fingerprints
from unmuted.engine.layout import Layout
from unmuted.engine.settings import setting
from unmuted.engine.sharded_dataset import ALL, Scope, ShardedDataset
from unmuted.engine.stage import Registry, Stage


class JobFingerprints:
    """The job fingerprints of a run, or of one of its scenarios.

    base: of a scenario, those of the run.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        registry: Registry,
        dataset: ShardedDataset,
        layout: Layout,
        stages: ConfiguredStages,
        fingerprints: Fingerprints,
        base: JobFingerprints | None = None,
    ) -> None:
        self._config, self._registry = config, registry
        self._dataset, self._layout = dataset, layout
        self._stages, self._fingerprints = stages, fingerprints
        self._base = base
        self._base_dataset = None if base is None else base._dataset
        self._of_jobs: dict[tuple[str, str | None, Scope], str] = {}
        self._of_shards: dict[tuple[str, Scope], str] = {}
        self._experiments: dict[Scope, str] = {}
        self._splits_of_shards: dict[str, str] = {}

    def of_job(self, stage_name: str, shard: str | None = None, scope: Scope = ALL) -> str:
        """Return the fingerprint of a shard, or of a fitted stage, over the videos in `scope`.

        A fitted stage is told of the videos that it may read, and of no others. Of fitted stages
        only those by split are seen in parts: others change as a whole.
        """
        if self._base is not None and self._is_of_base(stage_name, scope):
            return self._base.of_job(stage_name, shard, scope)
        stage = self._stages[stage_name]
        if shard is None and not stage.by_split:
            scope = ALL
        if shard is None and scope is ALL and (planned := self._planned("fits", stage_name)):
            return planned
        key = (stage_name, shard, scope)
        if key not in self._of_jobs:
            self._of_jobs[key] = self._compute(stage, shard, scope)
        return self._of_jobs[key]

    def _compute(self, stage: Stage, shard: str | None, scope: Scope) -> str:
        may_read = self.scope_of(stage) if scope is ALL else scope
        of_same_video = (*self.inputs(stage), *stage.optional)
        upstream = [self.of_job(name, shard, scope) for name in of_same_video]
        upstream += [self.of_all_shards(name, may_read) for name in stage.pooled]
        upstream += [self.of_job(name, None, scope) for name in stage.fits]
        folder = self._layout.folder(stage.name, shard)
        return self._fingerprints.of_artifact(
            stage.name,
            [
                self._read_directly(stage, shard, may_read if shard is None else scope),
                found_damage(folder, in_partitions=not stage.is_sharded),
                upstream,
                self._fingerprints.settings(stage.indirect_settings),
            ],
        )

    def of_all_shards(self, stage_name: str, scope: Scope = ALL) -> str:
        """Return the fingerprints of all shards as one digest, over the videos in `scope`."""
        if self._base is not None and self._is_of_base(stage_name, scope):
            return self._base.of_all_shards(stage_name, scope)
        if (stage_name, scope) not in self._of_shards:
            jobs = [self.of_job(stage_name, shard, scope) for shard in self._dataset.shards]
            self._of_shards[stage_name, scope] = digest_json(jobs)
        return self._of_shards[stage_name, scope]

    def _is_of_base(self, stage_name: str, scope: Scope) -> bool:
        """Return whether the run has the same fingerprint: not over splits that are not its own."""
        has_scope_of_base = scope is ALL or self._dataset is self._base_dataset
        return has_scope_of_base and not self._layout.owns(stage_name)

    def of_stage(self, stage_name: str) -> str:
        """Return the fingerprint of all jobs of a stage."""
        is_sharded = self._stages[stage_name].is_sharded
        return self.of_all_shards(stage_name) if is_sharded else self.of_job(stage_name)

    def inputs(self, stage: Stage) -> tuple[str, ...]:
        """Return the stages whose artifact of the same video a stage needs."""
        source = self._registry.source_stage
        if source is None or not (stage.reads_source and self._dataset.is_generated):
            return stage.inputs
        return (*stage.inputs, source)

    def scope_of(self, stage: Stage) -> Scope:
        """Return the splits whose videos a fitted stage may read; ALL where it names none."""
        reads_all = stage.all_videos_if and setting(self._config, stage.all_videos_if)
        return ALL if reads_all or not stage.splits else frozenset(stage.splits)

    def planned(self) -> dict[str, Any]:
        """Return what was found out about all shards, for jobs that see one of them."""
        fits = {
            name: job
            for (name, shard, scope), job in self._of_jobs.items()
            if (shard, scope) == (None, ALL)
        }
        splits = self._splits_of_shards
        return {"config": digest_json(self._config), "fits": fits, "splits": splits}

    def _planned(self, kind: str, name: str) -> str | None:
        """Return what was planned: of "fits" by stage, of "splits" by shard; None without a plan.

        Without it every job that follows the fits would look at every video of the run.
        """
        record = self._dataset.record
        path = self._layout.scenario_path
        planned = {} if record is None else record.job_fingerprints.get(path, {})
        if planned.get("config") != digest_json(self._config):
            return None
        return planned[kind].get(name)

    def _read_directly(self, stage: Stage, shard: str | None, scope: Scope) -> object:
        """Return what a stage reads of the videos without the artifacts of another stage."""
        if shard is None:
            return self._experiment(scope) if stage.reads_videos else None
        read = self._read_of_videos(stage, shard, scope)
        if not stage.shows_labels:
            return read
        videos = self._dataset.videos_in(shard, scope)
        return [read, {name: [one.label, one.group, one.split] for name, one in videos.items()}]

    def _read_of_videos(self, stage: Stage, shard: str, scope: Scope) -> object:
        """Return what a stage reads of a shard's videos, apart from labels that it only shows."""
        videos = self._dataset.videos_in(shard, scope)
        if stage.reads_specification:
            return [self._dataset.specifications[name] for name in videos]
        if stage.reads_targets:
            targets = {name: video.targets for name, video in videos.items()}
            return [targets, self._splits_of(shard, scope)] if stage.reads_splits else targets
        if stage.reads_source and self._registry.source_stage not in self.inputs(stage):
            stamps = {name: self._dataset.stamp(video) for name, video in videos.items()}
            is_told = bool(stage.fits) or not stage.reads_splits
            return stamps if is_told else [stamps, self._splits_of(shard, scope)]
        if stage.reads_splits and not stage.fits:  # else the fits are told of labels and splits
            return self._splits_of(shard, scope)
        return list(videos)

    def _splits_of(self, shard: str, scope: Scope) -> str:
        """Return the digest of the splits of a shard's videos in a scope."""
        if scope is ALL and (planned := self._planned("splits", shard)):
            return planned
        videos = self._dataset.videos_in(shard, scope)
        digest = digest_json({name: self._dataset.splits.get(name) for name in videos})
        if scope is ALL:
            self._splits_of_shards[shard] = digest
        return digest

    def _experiment(self, scope: Scope) -> str:
        """Return the digest of labels, groups and splits in a scope, all classes, and the seeds."""
        if scope not in self._experiments:
            table = [*self._dataset.experiment_table(scope), self._config["seeds"]]
            self._experiments[scope] = digest_json(table)
        return self._experiments[scope]
