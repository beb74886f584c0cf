"""The artifacts of a run: reading them, bringing them up to date, pruning them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from unmuted.dataset.splits import DamagedSplits, read_splits
from unmuted.dataset.videos import Video
from unmuted.engine.configured import ConfiguredStages
from unmuted.engine.damage import forget_note, read_finished_rows
from unmuted.engine.executor import Artifact, Compute, Task, run_tasks
from unmuted.engine.fingerprints import Fingerprints
from unmuted.engine.job_fingerprints import JobFingerprints
from unmuted.engine.job_notes import read_note, table_note
from unmuted.engine.layout import RESULTS, Layout
from unmuted.engine.ledger import DamagedLedger, LedgerEntry
from unmuted.engine.prune import Removed, prune_partitions, prune_shards, remove_absent
from unmuted.engine.scenarios import FOLDER
from unmuted.engine.seeds import name_of_fit, parse_fit
from unmuted.engine.sharded_dataset import SPLITS_TABLE, ShardedDataset
from unmuted.engine.stage import Stage
from unmuted.errors import UserError


class Store:
    """The ledgers and artifacts of a run, or of one of its scenarios."""

    def __init__(
        self,
        dataset: ShardedDataset,
        layout: Layout,
        stages: ConfiguredStages,
        fingerprints: Fingerprints,
        jobs: JobFingerprints,
        seeds: Sequence[int],
        expected_statuses: Collection[str],
    ) -> None:
        self._dataset, self._layout, self._stages = dataset, layout, stages
        self._fingerprints, self._jobs = fingerprints, jobs
        self._seeds, self._expected_statuses = seeds, expected_statuses

    # --- reading ----------------------------------------------------------------------------------

    def read_splits(self) -> dict[str, str]:
        """Return the split of every labelled video, by id, from the table of the run.

        A scenario that splits the videos anew has no table: its splits follow from the videos. Nor
        has a run without labels.
        """
        if self._dataset.missing_labels:
            return {}
        if self._dataset.is_resplit:
            return dict(self._dataset.splits)
        note = read_note(table_note(SPLITS_TABLE))
        try:
            if note is not None and not note.has(SPLITS_TABLE):
                raise DamagedSplits(f"{SPLITS_TABLE}: it is not the table that its job wrote")
            return read_splits(SPLITS_TABLE)
        except DamagedSplits as error:
            table_note(SPLITS_TABLE).unlink(missing_ok=True)
            raise UserError(f"{error}. Run the workflow again: it is written again.") from error

    def rows(self, stage_name: str, partition: str | None = None) -> dict[str, LedgerEntry]:
        """Return the entries of the ledger of a shard or partition, by name.

        Raises DamagedLedger for another file than its job wrote.
        """
        ledger = self._layout.ledger(stage_name, partition)
        return read_finished_rows(ledger, self._layout.folder(stage_name, partition))

    def shard_rows(
        self, stage_name: str, shard: str, names: Iterable[str]
    ) -> dict[str, LedgerEntry]:
        """Return the entries of the ledger of a shard.

        Raises DamagedLedger like `rows`, and where one of these videos has none.
        """
        rows = self.rows(stage_name, shard)
        if missing := [name for name in names if name not in rows]:
            ledger = self._layout.ledger(stage_name, shard)
            forget_note(self._layout.folder(stage_name, shard))
            raise DamagedLedger(ledger, f"no row for {', '.join(missing[:5])}")
        return rows

    def artifact(
        self, stage_name: str, name: str, rows: Mapping[str, LedgerEntry], partition: str | None
    ) -> Artifact:
        """Return the artifact of a video or fit, from the entries of its ledger."""
        folder, suffix = self._layout.folder(stage_name, partition), self._stages[stage_name].suffix
        return Artifact(folder / f"{name}{suffix}", rows[name])

    def artifacts(self, stage_name: str, names: Iterable[str]) -> dict[str, Artifact]:
        """Return the artifacts of videos of any shards, by id, without videos that have none.

        names: of a stage per unit, units.
        """
        per_unit = self._stages[stage_name].per_unit
        find_shard = self._dataset.find_unit_shard if per_unit else self._dataset.find_shard
        by_shard: dict[str, list[str]] = {}
        for name in sorted(set(names)):
            by_shard.setdefault(find_shard(name), []).append(name)
        by_name = {}
        for shard in sorted(by_shard):
            rows = self.shard_rows(stage_name, shard, by_shard[shard])
            for name in by_shard[shard]:
                if rows[name].has_artifact:
                    by_name[name] = self.artifact(stage_name, name, rows, shard)
        return by_name

    def artifact_of_digest(self, stage_name: str, video_id: str, digest: str) -> Artifact:
        """Return the artifact of a video that a fitted stage has recorded by its digest.

        Its ledger is not read: reading the artifact checks the digest.
        """
        row = LedgerEntry(video_id, "ok", "", "", digest, 0, 0.0)
        shard = self._dataset.find_shard(video_id)
        return self.artifact(stage_name, video_id, {video_id: row}, shard)

    def fits(self, stage_name: str, partition: str | None = None) -> dict[str, Artifact]:
        """Return the artifacts of a fitted stage, or of one partition of it, by name."""
        rows = self.rows(stage_name, partition)
        return {name: self.artifact(stage_name, name, rows, partition) for name in rows}

    def fits_by_seed(self, stage_name: str) -> dict[int, dict[str, Artifact]]:
        """Return the artifacts of a fitted stage by seed, in the order of the seeds, and by fit."""
        by_seed: dict[int, dict[str, Artifact]] = {seed: {} for seed in self._seeds}
        for partition in self._layout.partitions(stage_name):
            for name, artifact in self.fits(stage_name, partition).items():
                seed, fit = parse_fit(name)
                if seed is None:
                    raise ValueError(f"the fit {name} of the stage {stage_name} has no seed")
                by_seed[seed][fit] = artifact
        return by_seed

    # --- making -----------------------------------------------------------------------------------

    def shard_tasks(
        self,
        stage_name: str,
        shard: str,
        extra_inputs: Mapping[str, Any],
        prepare: Callable[[Artifact], Artifact] = lambda artifact: artifact,
    ) -> list[Task]:
        """Return a task for each video or unit of a shard, with a fingerprint over its inputs.

        extra_inputs: per video or unit, a JSON value that enters its fingerprint besides the
        artifacts it reads, such as the digests of fitted models. prepare: is applied to every
        artifact that a task is given.
        """
        stage = self._stages[stage_name]
        inputs = self._inputs_of_shard(stage, shard, prepare)
        if stage.per_unit:
            units = self._dataset.units_of(shard).items()
            return [self._unit_task(stage, *unit, inputs, extra_inputs) for unit in units]
        tasks = []
        for video_id, video in self._dataset.videos_of(shard).items():
            artifacts = {name: of_stage[video_id] for name, of_stage in inputs.items()}
            digests: dict[str, Any] = _digests(artifacts)
            if video_id in extra_inputs:
                digests["extra"] = extra_inputs[video_id]
            fingerprint = self._fingerprints.of_artifact(stage_name, digests)
            blocked = _first_blocked(artifacts, self._jobs.inputs(stage))
            tasks.append(Task(video_id, fingerprint, _usable(artifacts), video, blocked))
        return tasks

    def _inputs_of_shard(
        self, stage: Stage, shard: str, prepare: Callable[[Artifact], Artifact]
    ) -> dict[str, dict[str, Artifact]]:
        """Return all that the tasks of a shard read, by stage and by video or unit."""
        inputs = {}
        for name in (*self._jobs.inputs(stage), *stage.optional):
            per_unit = self._stages[name].per_unit
            of_shard = self._dataset.units_of if per_unit else self._dataset.videos_of
            keys = [*of_shard(shard)]
            rows = self.shard_rows(name, shard, keys)
            inputs[name] = {key: prepare(self.artifact(name, key, rows, shard)) for key in keys}
        return inputs

    def _unit_task(
        self,
        stage: Stage,
        unit: str,
        videos: Mapping[str, Video],
        inputs: Mapping[str, Mapping[str, Artifact]],
        extra_inputs: Mapping[str, Any],
    ) -> Task:
        """Return the task of a unit: a video that an input could not process is a gap of it."""
        required = self._jobs.inputs(stage)
        of_unit = {name: inputs[name][unit] for name in inputs if self._stages[name].per_unit}
        of_videos = {
            video_id: {name: inputs[name][video_id] for name in inputs if name not in of_unit}
            for video_id in videos
        }
        found = {video_id: _first_blocked(one, required) for video_id, one in of_videos.items()}
        gaps = {video_id: row for video_id, row in found.items() if row is not None}
        blocked = _first_blocked(of_unit, required)
        if blocked is None and len(gaps) == len(videos):
            blocked = next(iter(gaps.values()))
        digests: dict[str, Any] = _digests(of_unit)
        digests["videos"] = {video_id: _digests(one) for video_id, one in of_videos.items()}
        if unit in extra_inputs:
            digests["extra"] = extra_inputs[unit]
        usable = _usable(of_unit) | {
            f"{name}/{video_id}": artifact
            for video_id, one in of_videos.items()
            for name, artifact in _usable(one).items()
        }
        fingerprint = self._fingerprints.of_artifact(stage.name, digests)
        return Task(unit, fingerprint, usable, None, blocked, members=videos, gaps=gaps)

    def fit_tasks(self, stage_name: str, fits: Mapping[str, Any]) -> list[Task]:
        """Return a task for each fit; `fits`: names, with a JSON value for the fingerprint."""
        return [
            Task(name, self._fingerprints.of_artifact(stage_name, inputs))
            for name, inputs in fits.items()
        ]

    def run_tasks(
        self, stage_name: str, partition: str | None, tasks: Sequence[Task], compute: Compute
    ) -> None:
        """Bring the tasks of one shard or partition of a stage up to date."""
        base = self._layout.base
        run_tasks(
            self._layout.folder(stage_name, partition),
            self._layout.ledger(stage_name, partition),
            self._stages[stage_name].suffix,
            tasks,
            compute,
            None if base is None else base.folder(stage_name, partition),
            self._expected_statuses,
            keep_others=self._stages[stage_name].is_sharded,
        )

    # --- pruning ----------------------------------------------------------------------------------

    def prune(self, with_absent: bool = False) -> list[Removed]:
        """Remove shards that have become empty, and those of a layout that has been replaced.

        with_absent: whether to remove what there is of videos that left the run, too. Returns what
        was removed of those.
        """
        removed = []
        for stage in self._stages.values():
            for folder in (RESULTS, *RESULTS.glob(f"{FOLDER}/*")):
                if stage.is_sharded:
                    of_stage, dataset = folder / stage.name, self._dataset
                    shard_of = dataset.shard_of_unit if stage.per_unit else dataset.shard_of
                    if with_absent:
                        removed += remove_absent(of_stage, stage.suffix, shard_of)
                    prune_shards(of_stage, stage.suffix, shard_of)
                elif stage.by_seed:
                    prune_partitions(folder / stage.name, list(self._layout.seed_partitions))
        return removed


def fits_of_seeds(fits: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fits of several seeds as one mapping by name; given by seed and by fit."""
    return {
        name_of_fit(seed, fit): inputs
        for seed, of_seed in fits.items()
        for fit, inputs in of_seed.items()
    }


def _digests(artifacts: Mapping[str, Artifact]) -> dict[str, str]:
    """Return what fingerprints say of inputs: digests, and statuses of those without artifact."""
    return {name: item.row.digest or item.row.status for name, item in artifacts.items()}


def _usable(artifacts: Mapping[str, Artifact]) -> dict[str, Artifact]:
    return {name: item for name, item in artifacts.items() if item.row.has_artifact}


def _first_blocked(
    artifacts: Mapping[str, Artifact], required: Sequence[str]
) -> LedgerEntry | None:
    """Return the ledger entry of the first required input that is there without an artifact."""
    rows = (artifacts[name].row for name in required if name in artifacts)
    return next((row for row in rows if not row.has_artifact), None)
    return None
