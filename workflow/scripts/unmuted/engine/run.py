"""A run: a configuration and its registry, and what follows from them.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from unmuted.digests import digest_json
from unmuted.engine.code_digests import code_digest
from unmuted.engine.configured import ConfiguredModels, ConfiguredStages, Tools
from unmuted.engine.dataset_identity import check_identity, record_identity
from unmuted.engine.fingerprints import Fingerprints
from unmuted.engine.job_fingerprints import JobFingerprints
from unmuted.engine.job_folder import mark_forced
from unmuted.engine.layout import DATASET_IDENTITY, MEMBERS, RUN_RECORD, Layout
from unmuted.engine.members import about_absent, read_members, write_members
from unmuted.engine.planner import Planner
from unmuted.engine.scenarios import apply_scenario, scenario_name, scenario_path
from unmuted.engine.sharded_dataset import SPLITS_TABLE, ShardedDataset
from unmuted.engine.stage import Registry, Report, Resplit
from unmuted.engine.store import Store
from unmuted.engine.usable import find_usable, forget_nothing, write_unusable
from unmuted.errors import UserError


class Run:
    """A run, or one of its scenarios: the same videos with some settings changed.

    Attributes:
        config: the configuration, complete and valid.
        registry: the stages and reports of the workflow.
        base: of a scenario, the run itself.
        dataset: the videos, their shards and their splits.
        stages, models: those of the registry under the configuration.
        tools: the programs that stages call.
        layout: where results lie.
        planner: the inputs and params of each job, for Snakemake.
        store: the artifacts.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        registry: Registry,
        record_path: Path | None = None,
        base: Run | None = None,
        path: str = "",
    ) -> None:
        self.registry, self.base = registry, base
        self.config = registry.check_config(config) if base is None else config
        self.dataset: ShardedDataset = (
            ShardedDataset(self.config, registry, record_path)
            if base is None
            else _dataset_of_scenario(base.dataset, registry.resplit(self.config))
        )
        self.stages = ConfiguredStages(self.config, registry, lambda: self.has_labels)
        self.models = ConfiguredModels(self.config, registry)
        record = self.dataset.record
        self.tools: Tools = (
            Tools(registry, None if record is None else record.tools)
            if base is None
            else base.tools
        )
        self.fingerprints = Fingerprints(
            self.config, registry, self.stages, self.models, self.tools
        )
        self.layout: Layout = Layout(
            self.config,
            self.dataset,
            self.stages,
            self.fingerprints,
            path,
            None if base is None else base.layout,
        )
        self.jobs: JobFingerprints = JobFingerprints(
            self.config,
            registry,
            self.dataset,
            self.layout,
            self.stages,
            self.fingerprints,
            None if base is None else base.jobs,
        )
        self.planner = Planner(
            self.config,
            registry,
            self.dataset,
            self.layout,
            self.stages,
            self.jobs,
            self.check_experiment,
        )
        self.store = Store(
            self.dataset,
            self.layout,
            self.stages,
            self.fingerprints,
            self.jobs,
            self.seeds,
            registry.expected_statuses,
        )
        self._scenarios: dict[str, Run] = {}
        self._has_passed_checks = False  # by `check_experiment`

    @classmethod
    def of_job(cls, config: Mapping[str, Any], registry: Registry) -> Run:
        """Open the run of a job: with the videos that the Snakemake which planned it recorded."""
        return cls(config, registry, record_path=RUN_RECORD)

    def from_source(self) -> Run:
        """Open the same run with the videos read from their source, in a job as well."""
        return Run(self.config, self.registry)

    @property
    def has_labels(self) -> bool:
        """Whether there are labels to learn from and to measure with."""
        return not self.dataset.missing_labels

    @property
    def seeds(self) -> list[int]:
        """The seeds of every fit."""
        return list(self.config["seeds"])

    # --- scenarios --------------------------------------------------------------------------------

    def scenario(self, name: str) -> Run:
        """Return the scenario of a name such as "folds=3"; the run itself for the empty name.

        Raises UserError for settings that do not exist or that a scenario may not change.
        """
        return self.scenario_of_path(scenario_path(name))

    def scenario_of_path(self, path: str) -> Run:
        """Return the scenario that a part of a path names; the run itself for an empty one."""
        if not path:
            return self
        if path not in self._scenarios:
            config = apply_scenario(
                self.config,
                scenario_name(path),
                self.registry.check_config,
                self.registry.fixed_settings,
            )
            self._scenarios[path] = Run(config, self.registry, base=self, path=path)
        return self._scenarios[path]

    # --- checks before the first job --------------------------------------------------------------

    def check(self) -> None:
        """Raise UserError for all that is known to be wrong before any job starts.

        Labels and splits do not matter here: everything but the fits can be made without them.
        """
        self.dataset.listing  # noqa: B018 (reads the videos)
        for role in self.models.roles:
            self.models.identity(role)
        for check in self.registry.checks:
            check(self)

    def check_experiment(self) -> None:
        """Raise UserError unless labels and splits allow models to be trained and tested.

        Checked once: every shard of every stage that follows the fits asks.
        """
        if not self._has_passed_checks and self.dataset.record is None:  # a job's were planned
            self.dataset.check_labels()
            for check in self.registry.fit_checks:
                check(self)
            self._has_passed_checks = True

    def require_models(self, rules: Collection[str]) -> None:
        """Fetch the models that jobs of these rules run and that are not at hand.

        Raises UserError naming all that are missing.
        """
        stages = self.registry.stages.values()
        roles = {role for stage in stages if stage.script in rules for role in stage.models}
        if roles:
            self.models.require(roles)
            for check in self.registry.checks:
                check(self)

    # --- records in results/ ----------------------------------------------------------------------

    def check_identity(self) -> None:
        """Raise UserError if results/ was made from other videos, which this run would delete."""
        identity = self.registry.dataset_identity(self.config)
        check_identity(DATASET_IDENTITY, identity, self.dataset.videos)

    def record(self) -> None:
        """Record in results/ which dataset it belongs to, and the videos for the jobs.

        Raises UserError like `check_identity`.
        """
        identity = self.registry.dataset_identity(self.config)
        record_identity(DATASET_IDENTITY, identity, self.dataset.videos)
        self.dataset.repair_kept_splits()
        runs = {"": self, **self._scenarios}
        planned = {path: run.jobs.planned() for path, run in runs.items()}
        tools = self.tools.versions(self.registry.tools)
        self.dataset.write_record(RUN_RECORD, planned, tools)
        write_members(MEMBERS, self.dataset.listing.videos)

    def force(self, script: str, partition: str | None) -> None:
        """Have the next job of a script compute everything, also what is up to date."""
        for stage in self.stages.of_script(script):
            mark_forced(self.layout.folder(stage.name, partition))

    def notes(self) -> list[str]:
        """Return what a person should know who plans a run: of the videos, and of those that left.

        To be asked before `record`, which makes these videos those of the last run.
        """
        notes = list(self.dataset.listing.notes)
        try:
            self.check_identity()
        except UserError:  # raised before the first job: these are not the videos of the last run
            return notes
        absent = about_absent(read_members(MEMBERS), self.dataset.videos)
        return [*notes, absent] if absent else notes

    def check_usable(self) -> list[str]:
        """Return what to say after a run of the videos that could not be used, and list them.

        Raises UserError if none could.
        """
        found = find_usable(self)
        write_unusable(found)
        if found.is_nothing:
            for run in (self, *self._scenarios.values()):
                forget_nothing(run)
            raise UserError("\n".join(found.lines))
        return list(found.lines)

    # --- reports ----------------------------------------------------------------------------------

    def report_inputs(self, name: str) -> list[Path]:
        """Return the files that a report reads, the `input:` of its rule.

        Raises UserError as the fits do, unless the report is written without labels, too.
        """
        self.registry.reports[name].check(self.config)
        report = self.stages.report(name)
        whole = replace(report, in_part=())  # of the rest, the rule names what it needs
        stages = self.stages_of_report(whole)
        if report.without_labels is not None and not self.has_labels:
            return _ledgers_of(stages)
        return self.inputs_of(stages)

    def report_fingerprint(self, name: str) -> str:
        """Return the `params:` of a report: of code, configuration, labels and all upstream."""
        report = self.stages.report(name)
        config = report.readable(self.config, self.registry.display_settings)
        stages = self.stages_of_report(report)
        of_inputs = self.script_fingerprint(report.script, stages, report.module, config)
        return digest_json([of_inputs, self._labels_digest])

    @cached_property
    def _labels_digest(self) -> str:
        """The digest of labels, groups and given splits; reports show them, whoever else does."""
        videos = self.dataset.videos.items()
        return digest_json({name: [one.label, one.group, one.split] for name, one in videos})

    def stages_of_report(self, report: Report) -> list[tuple[Run, str]]:
        """Return the stages that a report reads, each with the run that has them."""
        of_run = [(self, name) for name in report.upstream if self.planner.has_stage(name)]
        in_scenarios = [
            (self.scenario(scenario), name)
            for scenario in report.scenarios(self.config)
            for name in report.stages_in(self.config, scenario)
        ]
        return of_run + in_scenarios

    def inputs_of(self, stages: Iterable[tuple[Run, str]]) -> list[Path]:
        """Return the ledgers of stages of runs, and the splits. Raises UserError as the fits do."""
        self.check_experiment()
        return [SPLITS_TABLE, *_ledgers_of(stages)]

    def script_fingerprint(
        self,
        script: str,
        stages: Iterable[tuple[Run, str]],
        module: str = "",
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the digest of a script, the configuration, and all that is upstream of stages.

        module: of the library, that the script imports by its name. config: what it may read of the
        configuration; all that is not for display unless given.
        """
        code = code_digest(script, self.registry.scripts, self.registry.infrastructure, module)
        upstream = [run.jobs.of_stage(name) for run, name in stages]
        if config is None:
            hidden = self.registry.display_settings
            config = {key: value for key, value in self.config.items() if key not in hidden}
        return digest_json([code, config, upstream])


def _ledgers_of(stages: Iterable[tuple[Run, str]]) -> list[Path]:
    ledgers = (path for run, name in stages for path in run.layout.all_ledgers(name))
    return list(dict.fromkeys(ledgers))


def _dataset_of_scenario(dataset: ShardedDataset, resplit: Resplit | None) -> ShardedDataset:
    return dataset if resplit is None else dataset.resplit(resplit)
