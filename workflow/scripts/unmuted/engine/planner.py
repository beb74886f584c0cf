"""The inputs and the params of every job, for the rules of Snakemake.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from unmuted.engine.configured import ConfiguredStages
from unmuted.engine.executor import read_plan
from unmuted.engine.job_fingerprints import JobFingerprints
from unmuted.engine.layout import SPLITS, Layout
from unmuted.engine.sharded_dataset import ShardedDataset
from unmuted.engine.stage import Registry, Stage
from unmuted.errors import UserError


class Planner:
    """The plan of a run, or of one of its scenarios.

    check_experiment: raises UserError unless labels and splits allow fits.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        registry: Registry,
        dataset: ShardedDataset,
        layout: Layout,
        stages: ConfiguredStages,
        jobs: JobFingerprints,
        check_experiment: Callable[[], None],
    ) -> None:
        self._config, self._registry = config, registry
        self._dataset, self._layout = dataset, layout
        self._stages, self._jobs = stages, jobs
        self._check_experiment = check_experiment
        self._complete: dict[str, bool] = {}

    # --- stages -----------------------------------------------------------------------------------

    def job_fingerprint(self, stage_name: str, shard: str | None = None) -> str:
        """Return the `params:` of a rule, which change when its job may have work to do.

        Raises UserError for a shard that is not part of this run.
        """
        if shard is not None and not self._dataset.has_shard(shard):
            raise UserError(
                f"no shard {shard!r} in this run; there are {_some(self._dataset.shards)}"
            )
        self._layout.require_owner(stage_name)
        return self._jobs.of_job(stage_name, shard)

    def stage_inputs(
        self, stage_name: str, partition: str | None = None, is_forced: bool = False
    ) -> list[Path]:
        """Return the files that the job of a stage waits for: the `input:` of its rule.

        A fitted stage that is up to date waits for nothing that it pools. Those ledgers are written
        anew for any of their videos, also for those that it may not read; and Snakemake does not
        look at the params of a job that follows, however remotely, one which runs: with such inputs
        a changed test video would hide that other jobs behind the fit have work to do.

        is_forced: whether jobs may run that have no reason to, and must wait for what they read.
        """
        stage = self._stages[stage_name]
        if stage.by_seed and partition not in self._layout.seed_partitions:
            raise UserError(
                f"no partition of seeds {partition!r} in this run; there are "
                f"{_some(self._layout.seed_partitions)}"
            )
        if stage.pooled or stage.reads_splits:
            self._check_experiment()
        splits = [SPLITS] if stage.pooled or stage.reads_splits else []
        fits = [ledger for name in stage.fits for ledger in self._layout.all_ledgers(name)]
        if stage.is_sharded:
            of_same_video = (*self._jobs.inputs(stage), *stage.optional)
            return [
                *(self._layout.ledger(name, partition) for name in of_same_video),
                *fits,
                *splits,
            ]
        if not is_forced and self._is_up_to_date(stage, partition):
            return fits
        pooled = [path for name in _waits_for(stage) for path in self._layout.all_ledgers(name)]
        return [*fits, *pooled, *splits]

    def _is_up_to_date(self, stage: Stage, partition: str | None) -> bool:
        """Return whether a fitted stage last ran for this plan, and has all that it pools."""
        return (
            self._layout.ledger(stage.name, partition).exists()
            and read_plan(self._layout.folder(stage.name, partition))
            == self._jobs.of_job(stage.name)
            and all(self._is_complete(name) for name in _waits_for(stage))
        )

    def _is_complete(self, stage_name: str) -> bool:
        """Return whether a stage has all its ledgers; looked up once."""
        if stage_name not in self._complete:
            ledgers = self._layout.all_ledgers(stage_name)
            self._complete[stage_name] = all(map(Path.exists, ledgers))
        return self._complete[stage_name]

    def has_stage(self, stage_name: str) -> bool:
        """Return whether this run has the stage: some exist for generated videos alone."""
        return self._dataset.is_generated or not self._stages[stage_name].reads_specification

    # --- exports of single videos -----------------------------------------------------------------

    def export_ledger(self, export: str, video_id: str) -> Path:
        """Return the ledger that the export of one video's artifact waits for, that of its shard.

        Raises UserError for an unknown video.
        """
        shard = self._dataset.require_shard(video_id)
        return self._layout.ledger(self._registry.exports[export], shard)

    def export_fingerprint(self, export: str, video_id: str) -> str:
        """Return the `params:` of the rule that copies one video's artifact."""
        stage = self._registry.exports[export]
        return self._jobs.of_job(stage, self._dataset.require_shard(video_id))


def _waits_for(stage: Stage) -> tuple[str, ...]:
    return (*stage.pooled, *stage.after)


def _some(names: Iterable[str], most: int = 5) -> str:
    first = list(names)
    return ", ".join(first[:most]) + (f", ... ({len(first)})" if len(first) > most else "")
