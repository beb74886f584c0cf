"""What Snakemake is told of the rules of stages and exports: their inputs and their params.

The Snakefile imports this module, and so does every cluster job, before its own work starts: it is
free of torch, numpy and pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from unmuted.engine.configured import ConfiguredStages
from unmuted.engine.job_fingerprints import JobFingerprints
from unmuted.engine.job_folder import FORCED
from unmuted.engine.job_notes import NOTE, read_note, table_note
from unmuted.engine.layout import Layout
from unmuted.engine.sharded_dataset import SPLITS_TABLE, ShardedDataset
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
        """Return the `params:` of a rule, which change whenever its job may need to run.

        Raises UserError for a shard that is not part of this run, and for a stage that the scenario
        does not change.
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

        If a fitted stage is up to date, its rule lists no ledger that it pools. A change to one
        test video rewrites those ledgers: Snakemake would run the fit again, and it does not check
        the params of jobs that come after a job that runs, so other work would be missed.

        is_forced: whether Snakemake may run jobs that are up to date. They then wait for everything
        that they read. Raises UserError for a partition that is not part of this run, and for
        labels and splits that allow no fit.
        """
        stage = self._stages[stage_name]
        if stage.by_seed and partition not in self._layout.seed_partitions:
            raise UserError(
                f"no partition of seeds {partition!r} in this run; there are "
                f"{_some(self._layout.seed_partitions)}"
            )
        if stage.pooled or stage.reads_splits:
            self._check_experiment()
        splits = [SPLITS_TABLE] if stage.pooled or stage.reads_splits else []
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
        """Return whether a fitted stage last ran with this fingerprint and has all ledgers."""
        return (
            self._layout.ledger(stage.name, partition).exists()
            and not self._is_stale(stage, partition)
            and all(self._is_complete(name) for name in _waits_for(stage))
        )

    def stale_ledger(self, stage_name: str, partition: str | None = None) -> list[Path]:
        """Return the ledger of a job if it is there, but not as this job would leave it."""
        stage = self._stages[stage_name]
        ledger = self._layout.ledger(stage_name, partition)
        return [ledger] if ledger.exists() and self._is_stale(stage, partition) else []

    def _is_stale(self, stage: Stage, partition: str | None) -> bool:
        """Return whether a job is still forced, left no note, or that of another plan or files."""
        ledger = self._layout.ledger(stage.name, partition)
        note = read_note(self._layout.folder(stage.name, partition) / NOTE)
        fingerprint = self._jobs.of_job(stage.name, partition if stage.is_sharded else None)
        is_forced = (self._layout.folder(stage.name, partition) / FORCED).exists()
        return is_forced or note is None or not note.is_of(fingerprint, ledger.parent)

    def _is_complete(self, stage_name: str) -> bool:
        """Return whether a stage has all its ledgers; looked up once."""
        if stage_name not in self._complete:
            ledgers = self._layout.all_ledgers(stage_name)
            self._complete[stage_name] = all(map(Path.exists, ledgers))
        return self._complete[stage_name]

    def has_stage(self, stage_name: str) -> bool:
        """Return whether this run has the stage: some exist only for generated videos."""
        return self._dataset.is_generated or not self._stages[stage_name].reads_specification

    def stale_table(self, output: Path, fingerprint: str) -> list[Path]:
        """Return the first output of a report or table, as `stale_ledger` does that of a stage."""
        if not output.exists():
            return []
        note = read_note(table_note(output))
        is_current = note is not None and note.is_of(fingerprint, output.parent)
        return [] if is_current else [output]

    # --- exports of single videos and units -------------------------------------------------------

    def export_ledger(self, export: str, video_id: str) -> Path:
        """Return the ledger of the video's shard, which the export of its artifact waits for.

        Raises UserError for an unknown video.
        """
        shard = self._dataset.require_shard(video_id)
        return self._layout.ledger(self._registry.exports[export], shard)

    def export_fingerprint(self, export: str, video_id: str) -> str:
        """Return the `params:` of the rule that copies one video's artifact."""
        stage = self._registry.exports[export]
        return self._jobs.of_job(stage, self._dataset.require_shard(video_id))

    def unit_export_ledger(self, export: str, unit: str) -> Path:
        """Return the ledger of the unit's shard, which the export of its artifact waits for.

        Raises UserError for an unknown unit.
        """
        shard = self._dataset.require_unit_shard(unit)
        return self._layout.ledger(self._registry.unit_exports[export].stage, shard)

    def unit_export_fingerprint(self, export: str, unit: str) -> str:
        """Return the `params:` of the rule that copies one unit's artifact."""
        stage = self._registry.unit_exports[export].stage
        return self._jobs.of_job(stage, self._dataset.require_unit_shard(unit))


def _waits_for(stage: Stage) -> tuple[str, ...]:
    return (*stage.pooled, *stage.after)


def _some(names: Iterable[str], most: int = 5) -> str:
    first = list(names)
    return ", ".join(first[:most]) + (f", ... ({len(first)} in all)" if len(first) > most else "")
