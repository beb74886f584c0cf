"""The layout of results/: where the ledgers and artifacts of a run and of its scenarios lie.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from unmuted.engine.configured import ConfiguredStages
from unmuted.engine.fingerprints import Fingerprints
from unmuted.engine.seeds import partition_seeds
from unmuted.engine.sharded_dataset import RESULTS, ShardedDataset
from unmuted.errors import UserError

DATASET_IDENTITY = RESULTS / ".source.json"  # which dataset results/ belongs to
RUN_RECORD = RESULTS / ".videos.jsonl"  # the videos of each shard, for jobs
MEMBERS = RESULTS / ".members.json"  # the ids of the videos of the last run


class Layout:
    """Where the stages of a run, or of one of its scenarios, keep their results.

    scenario_path: the part of a path that names the scenario, see `unmuted.engine.scenarios`;
    empty for the run itself. base: of a scenario, the layout of the run. A job works on one
    `partition` of a stage: a shard of videos or a group of seeds, given by its name; None if one
    job makes the whole stage.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        dataset: ShardedDataset,
        stages: ConfiguredStages,
        fingerprints: Fingerprints,
        scenario_path: str = "",
        base: Layout | None = None,
    ) -> None:
        self._config, self._dataset = config, dataset
        self._stages, self._fingerprints = stages, fingerprints
        self.scenario_path, self.base = scenario_path, base
        self._folders: dict[str, Path] = {}

    def owns(self, stage_name: str) -> bool:
        """Return whether a stage has results of its own here; a run itself owns all of its stages.

        A scenario does if its settings change any of the stages that the same script makes, or if
        it splits the videos anew and any of them depends on splits.
        """
        if self.base is None:
            return True
        settings, base = self._fingerprints, self.base._fingerprints
        has_own_splits = self._dataset is not self.base._dataset
        return any(
            settings.of_settings(stage.name) != base.of_settings(stage.name)
            or (has_own_splits and self._stages.depends_on_splits(stage.name))
            for stage in self._stages.of_script(self._stages[stage_name].script)
        )

    def require_owner(self, stage_name: str) -> None:
        """Raise UserError for a stage whose results lie in the run that this is a scenario of."""
        if not self.owns(stage_name):
            raise UserError(
                f"nothing that {self.scenario_path.rstrip('/')} changes reaches the stage "
                f"{stage_name}: use {self.folder(stage_name)}"
            )

    def folder(self, stage_name: str, partition: str | None = None) -> Path:
        """Return the folder of the artifacts of a partition, or of a whole stage."""
        folder = self._stage_folder(stage_name)
        return folder / partition if partition else folder

    def ledger(self, stage_name: str, partition: str | None = None) -> Path:
        """Return the ledger of a partition, or of a stage without partitions."""
        folder = self._stage_folder(stage_name)
        name = f"{partition}.ledger.csv" if partition else f"{stage_name}.ledger.csv"
        return (folder if partition else folder.parent) / name

    def _stage_folder(self, stage_name: str) -> Path:
        """Return the folder of a stage; cached, because planning asks for it very often."""
        if stage_name not in self._folders:
            path = self.scenario_path if self.owns(stage_name) else ""
            self._folders[stage_name] = RESULTS / path / stage_name
        return self._folders[stage_name]

    @cached_property
    def seed_partitions(self) -> Mapping[str, tuple[int, ...]]:
        """Partitions of the seeds, with the seeds of each."""
        return partition_seeds(self._config["seeds"], self._config.get("seeds_per_job"))

    def partitions(self, stage_name: str) -> list[str | None]:
        """Return the groups of seeds of a fitted stage, or [None] if one job makes all of it."""
        return [*self.seed_partitions] if self._stages[stage_name].by_seed else [None]

    def all_ledgers(self, stage_name: str) -> list[Path]:
        """Return the ledgers of all partitions of a stage."""
        is_sharded = self._stages[stage_name].is_sharded
        partitions = self._dataset.shards if is_sharded else self.partitions(stage_name)
        return [self.ledger(stage_name, partition) for partition in partitions]
