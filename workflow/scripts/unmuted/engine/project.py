"""A run: its plan, the artifacts that are there, and how they are brought up to date.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from unmuted.dataset.splits import read_splits
from unmuted.engine.ledger import LedgerEntry, read_rows
from unmuted.engine.plan import RESULTS, SPLITS, Plan
from unmuted.engine.prune import prune_partitions, prune_shards
from unmuted.engine.runner import Artifact, Compute, Task, run_tasks
from unmuted.engine.seeds import name_of_fit, parse_fit
from unmuted.engine.variants import FOLDER

Fits = Mapping[str, Artifact]  # artifacts of fits by name


class Project(Plan):
    """The configuration and the videos with everything that follows from them."""

    def from_source(self) -> Project:
        """The same run with the videos read from their source, in a job as well."""
        return Project(self.config, self.registry)

    @property
    def seeds(self) -> list[int]:
        """The seeds of every fit."""
        return list(self.config["seeds"])

    @property
    def is_scenario(self) -> bool:
        """Whether this is a run with some settings changed."""
        return self.base is not None

    def read_splits(self) -> dict[str, str]:
        """Split of every labelled video, by id, from the table of the run."""
        return read_splits(SPLITS)

    def suffix_of(self, stage_name: str) -> str:
        """Suffix of a stage's artifacts."""
        return self.stage(stage_name).suffix

    def export_ledger(self, artifact: str, video_id: str) -> Path:
        """Ledger of the shard that holds one video's artifact; UserError for an unknown video."""
        return self.ledger(self.registry.exports[artifact], self.require_shard(video_id))

    # --- artifacts --------------------------------------------------------------------------------

    def artifact(
        self, stage_name: str, name: str, rows: Mapping[str, LedgerEntry], part: str | None
    ) -> Artifact:
        """The artifact of a video or fit, from the rows of its ledger."""
        path = self.folder(stage_name, part) / f"{name}{self.stage(stage_name).suffix}"
        return Artifact(path, rows[name])

    def rows(self, stage_name: str, part: str | None = None) -> dict[str, LedgerEntry]:
        """Rows of the ledger of a shard or part."""
        return read_rows(self.ledger(stage_name, part))

    def artifacts(self, stage_name: str, names: Iterable[str]) -> dict[str, Artifact]:
        """Artifacts of videos of any shards, by id; without those that have no artifact."""
        by_shard: dict[str, list[str]] = {}
        for name in sorted(set(names)):
            by_shard.setdefault(self.find_shard(name), []).append(name)
        found = {}
        for shard in sorted(by_shard):
            rows = self.rows(stage_name, shard)
            for name in by_shard[shard]:
                if name in rows and rows[name].has_artifact:
                    found[name] = self.artifact(stage_name, name, rows, shard)
        return found

    def artifact_of_digest(self, stage_name: str, video_id: str, digest: str) -> Artifact:
        """The artifact of a video that a fitted stage has recorded by its digest.

        Its ledger is not read: reading the artifact checks the digest.
        """
        row = LedgerEntry(video_id, "ok", "", "", digest, 0, 0.0)
        return self.artifact(stage_name, video_id, {video_id: row}, self.find_shard(video_id))

    def units(self, stage_name: str, part: str | None = None) -> dict[str, Artifact]:
        """Artifacts of a fitted stage (or one part of it), by name."""
        rows = self.rows(stage_name, part)
        return {name: self.artifact(stage_name, name, rows, part) for name in rows}

    def fits_by_seed(self, stage_name: str) -> dict[int, Fits]:
        """Artifacts of a fitted stage by seed, in the order of the seeds, and by fit."""
        found: dict[int, dict[str, Artifact]] = {seed: {} for seed in self.config["seeds"]}
        for part in self.parts(stage_name):
            for name, artifact in self.units(stage_name, part).items():
                seed, fit = parse_fit(name)
                found[seed][fit] = artifact
        return found

    def prune(self) -> None:
        """Remove shards that have become empty, and those of a layout that has been replaced."""
        for stage in self.registry.stages.values():
            for folder in (RESULTS, *RESULTS.glob(f"{FOLDER}/*")):
                if stage.is_sharded:
                    prune_shards(folder / stage.name, self.shard_of)
                elif stage.by_seed:
                    prune_partitions(folder / stage.name, list(self.seed_parts))

    # --- running ----------------------------------------------------------------------------------

    def run_shard(
        self,
        stage_name: str,
        shard: str,
        compute: Compute,
        extra_inputs: Mapping[str, object] | None = None,
    ) -> None:
        """Bring one shard of a stage up to date.

        extra_inputs: per video, a JSON value that enters its recipe beside the artifacts it reads
        (such as the digests of fitted models).
        """
        self.run_tasks(
            stage_name, shard, self.shard_tasks(stage_name, shard, extra_inputs or {}), compute
        )

    def run_units(
        self,
        stage_name: str,
        units: Mapping[str, object],
        compute: Compute,
        part: str | None = None,
    ) -> None:
        """Bring a fitted stage (or one part of it) up to date.

        units: names of what is fitted, each with what enters its recipe.
        """
        self.run_tasks(stage_name, part, self.fit_tasks(stage_name, units), compute)

    def fit_tasks(self, stage_name: str, units: Mapping[str, object]) -> list[Task]:
        """One task per fit; `units` as in `run_units`."""
        return [Task(name, self.recipe(stage_name, inputs)) for name, inputs in units.items()]

    def run_tasks(
        self, stage_name: str, part: str | None, tasks: Sequence[Task], compute: Compute
    ) -> None:
        """Bring the tasks of one shard or part of a stage up to date."""
        base = None if self.base is None else self.base.folder(stage_name, part)
        run_tasks(
            self.folder(stage_name, part),
            self.ledger(stage_name, part),
            self.stage(stage_name).suffix,
            tasks,
            compute,
            base,
            self.registry.expected_statuses,
        )

    def shard_tasks(
        self,
        stage_name: str,
        shard: str,
        extra_inputs: Mapping[str, object],
        prepare: Callable[[Artifact], Artifact] = lambda artifact: artifact,
    ) -> list[Task]:
        """One task per video of a shard, with recipes over the content of what it reads.

        prepare: is applied to every artifact that a task is given.
        """
        stage = self.stage(stage_name)
        required = self.inputs(stage)
        ledgers = {name: self.rows(name, shard) for name in (*required, *stage.optional)}
        tasks = []
        for video_id, video in self.videos_of(shard).items():
            artifacts = {
                name: prepare(self.artifact(name, video_id, rows, shard))
                for name, rows in ledgers.items()
                if video_id in rows
            }
            blocked = _first_blocked(artifacts, required)
            digests: dict[str, object] = {
                name: artifact.row.digest or artifact.row.status
                for name, artifact in artifacts.items()
            }
            if video_id in extra_inputs:
                digests["extra"] = extra_inputs[video_id]
            usable = {name: item for name, item in artifacts.items() if item.row.has_artifact}
            made_from = self.recipe(stage_name, digests)
            tasks.append(Task(video_id, made_from, usable, video, blocked))
        return tasks


def seed_units(units: Mapping[int, Mapping[str, object]]) -> dict[str, object]:
    """What is fitted of several seeds, as one mapping by name; given by seed and by fit."""
    return {
        name_of_fit(seed, fit): inputs
        for seed, fits in units.items()
        for fit, inputs in fits.items()
    }


def _first_blocked(
    artifacts: Mapping[str, Artifact], required: Sequence[str]
) -> LedgerEntry | None:
    """The row of the first required input that has no artifact."""
    for name in required:
        if not artifacts[name].row.has_artifact:
            return artifacts[name].row
    return None
