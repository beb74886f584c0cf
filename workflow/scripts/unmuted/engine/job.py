"""The view of a run that a script gets: all that its stage or report declares, and nothing else.

A stage declares in the registry what it reads. Its job offers exactly that; any other read raises
`UndeclaredRead`. While artifacts are made, the job also checks that every artifact which is opened
has its digest in the fingerprint of something that is being made. So no artifact can depend on
what its fingerprint does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from unmuted.dataset.videos import Video
from unmuted.engine.executor import Artifact, Compute, Task
from unmuted.engine.job_notes import NOTE, table_note, write_note
from unmuted.engine.joblog import job_log
from unmuted.engine.ledger import LedgerEntry
from unmuted.engine.run import Run
from unmuted.engine.scenarios import scenario_name
from unmuted.engine.settings import setting
from unmuted.engine.sharded_dataset import ALL, by_unit
from unmuted.engine.stage import Registry, Report, Stage
from unmuted.engine.store import fits_of_seeds

ALWAYS_READABLE = ("seeds", "device", "threads")  # they decide how and how often, not what is made


class UndeclaredRead(RuntimeError):
    """A script reads what its stage does not declare: an error of the program."""


class Settings(Mapping[str, Any]):
    """The declared part of a configuration, at any depth; reading another key is an error."""

    def __init__(
        self, values: Mapping[str, Any], keys: Iterable[str], owner: str, at: str = ""
    ) -> None:
        self._owner, self._at = owner, at
        inner: dict[str, list[str]] = {}
        for key in keys:
            head, _, rest = key.partition(".")
            inner.setdefault(head, []).append(rest)
        self._values: dict[str, Any] = {
            head: values[head]
            if "" in rest
            else Settings(values[head], rest, owner, f"{at}{head}.")
            for head, rest in inner.items()
            if head in values
        }
        self._declared = inner.keys()

    def __getitem__(self, key: str) -> Any:
        self._check(key)
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        self._check(key)
        return key in self._values

    def _check(self, key: object) -> None:
        if key not in self._declared:
            raise UndeclaredRead(f"{self._owner} reads the setting {self._at}{key} undeclared")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _Reader:
    """What jobs of stages and of reports have in common: a restricted view of a run."""

    def __init__(self, run: Run, owner: str, threads: int, readable: Iterable[str]) -> None:
        self._run, self._owner, self.threads = run, owner, threads
        self._readable = frozenset(readable)

    @property
    def classes(self) -> list[str]:
        """The classes of the labelled videos, in alphabetical order."""
        return self._run.dataset.classes

    @property
    def seeds(self) -> list[int]:
        """All seeds of the run."""
        return self._run.seeds

    @property
    def is_scenario(self) -> bool:
        """Whether this is a run with some settings changed, and not everything is read of it."""
        return self._run.base is not None

    def is_changed(self, key: str) -> bool:
        """Return whether this is a scenario in which a setting differs from that of the run."""
        base = self._run.base
        return base is not None and setting(base.config, key) != setting(self._run.config, key)

    @property
    def is_generated(self) -> bool:
        """Whether the videos are made by a stage of the workflow, from specifications."""
        return self._run.dataset.is_generated

    def find_shard(self, video_id: str) -> str:
        """Return the shard of a video of this run."""
        return self._run.dataset.find_shard(video_id)

    @property
    def reads_splits(self) -> bool:
        """Whether this may read the splits."""
        return True

    def read_splits(self) -> dict[str, str]:
        """Return the split of every labelled video, by id."""
        return self._run.store.read_splits()

    def rows(self, stage_name: str, partition: str | None = None) -> dict[str, LedgerEntry]:
        """Return the rows of the ledger of a shard or partition."""
        self._check(stage_name)
        return self._run.store.rows(stage_name, partition)

    def artifacts(self, stage_name: str, names: Iterable[str]) -> dict[str, Artifact]:
        """Return the artifacts of videos of any shards, by id, without videos that have none."""
        self._check(stage_name)
        artifacts = self._run.store.artifacts(stage_name, names)
        return {name: self._watched(artifact) for name, artifact in artifacts.items()}

    def is_per_unit(self, stage_name: str) -> bool:
        """Return whether a stage has one artifact per unit."""
        return self._run.stages[stage_name].per_unit

    def fits(self, stage_name: str, partition: str | None = None) -> dict[str, Artifact]:
        """Return the artifacts of a fitted stage, by name."""
        self._check(stage_name)
        artifacts = self._run.store.fits(stage_name, partition)
        return {name: self._watched(artifact) for name, artifact in artifacts.items()}

    def fits_by_seed(self, stage_name: str) -> dict[int, dict[str, Artifact]]:
        """Return the artifacts of a fitted stage by seed, in the order of the seeds, and by fit."""
        self._check(stage_name)
        by_seed = self._run.store.fits_by_seed(stage_name)
        return {
            seed: {fit: self._watched(artifact) for fit, artifact in fits.items()}
            for seed, fits in by_seed.items()
        }

    def _check(self, stage_name: str) -> None:
        if stage_name not in self._readable:
            raise UndeclaredRead(f"{self._owner} reads the stage {stage_name} undeclared")

    def _watched(self, artifact: Artifact) -> Artifact:
        return artifact


class Job(_Reader):
    """One job of one stage: a shard, some seeds, or the whole of a fitted stage.

    Attributes:
        stage: the row of the registry.
        partition: the shard, or the partition of seeds; None for a stage that has neither.
        config: the settings that the stage declares.
        threads: CPU threads that the job may use.
    """

    def __init__(
        self,
        run: Run,
        stage: Stage,
        partition: str | None = None,
        threads: int = 1,
        plan: str | None = None,
    ) -> None:
        readable = (*run.jobs.inputs(stage), *stage.upstream)
        super().__init__(run, f"stage {stage.name}", threads, readable)
        self.stage, self.partition, self._plan = stage, partition, plan
        declared = (*stage.readable_settings, *ALWAYS_READABLE)
        self.config = Settings(run.config, declared, self._owner)
        self._known: frozenset[str] | None = None  # digests in fingerprints, while these are made

    def is_changed(self, key: str) -> bool:
        """Return whether this is a scenario in which a setting that the stage declares differs."""
        setting(self.config, key)  # refuses what is not declared
        return super().is_changed(key)

    @property
    def job_seeds(self) -> tuple[int, ...]:
        """The seeds that this job fits."""
        return self._run.layout.seed_partitions[self._named_partition]

    @property
    def _named_partition(self) -> str:
        if self.partition is None:
            raise ValueError(f"the job of the {self._owner} has neither a shard nor a partition")
        return self.partition

    @cached_property
    def videos(self) -> Mapping[str, Video]:
        """The videos that the stage may read, by id: of its shard, or of its splits.

        Only a stage that declares to read their files is told where these are.
        """
        if self.stage.is_sharded:
            return self._shown(self._run.dataset.videos_of(self._named_partition))
        scope = self._run.jobs.scope_of(self.stage)
        if scope is ALL:
            return self._shown(self._run.dataset.videos)
        videos, splits = self._run.dataset.videos.items(), self.read_splits()
        return self._shown({name: video for name, video in videos if splits.get(name) in scope})

    @cached_property
    def units(self) -> Mapping[str, Mapping[str, Video]]:
        """The videos that the stage may read, by unit and id; a video on its own is a unit."""
        return by_unit(self.videos)

    def _shown(self, videos: Mapping[str, Video]) -> Mapping[str, Video]:
        hidden: dict[str, Any] = {} if self.stage.reads_source else {"path": None}
        hidden |= {} if self.stage.reads_targets else {"targets": None}
        return {name: replace(video, **hidden) for name, video in videos.items()}

    def artifacts(self, stage_name: str, names: Iterable[str]) -> dict[str, Artifact]:
        """Return the artifacts of videos that the stage may read, by id; some may have none.

        names: of a stage per unit, units.
        """
        names = list(names)
        self._check(stage_name)
        known = self.units if self._run.stages[stage_name].per_unit else self.videos
        if outside := [name for name in names if name not in known]:
            raise UndeclaredRead(
                f"{self._owner} reads {stage_name} of {outside[0]}, a video that it may not read"
            )
        return super().artifacts(stage_name, names)

    @property
    def specifications(self) -> Mapping[str, Any]:
        """What the generated videos of the shard are made from: JSON values by id."""
        if not self.stage.reads_specification:
            raise UndeclaredRead(f"{self._owner} reads specifications undeclared")
        specifications = self._run.dataset.specifications
        return {name: specifications[name] for name in self.videos}

    @property
    def reads_splits(self) -> bool:
        """Whether the stage declares to read the splits."""
        return bool(self.stage.pooled) or self.stage.reads_splits

    def read_splits(self) -> dict[str, str]:
        """Return the split of every labelled video, by id."""
        if not self.reads_splits:
            raise UndeclaredRead(f"{self._owner} reads the splits undeclared")
        return super().read_splits()

    def model_spec(self, role: str) -> Any:
        """Return what is needed to load one of the stage's models."""
        if role not in self.stage.models:
            raise UndeclaredRead(f"{self._owner} runs the model {role} undeclared")
        return self._run.models.spec(role)

    def model_identity(self, role: str) -> str:
        """Return what identifies the content of one of the stage's models."""
        if role not in self.stage.models:
            raise UndeclaredRead(f"{self._owner} asks for the model {role} undeclared")
        return self._run.models.identity(role)

    def recorded_artifact(
        self, fitted_stage: str, table: Artifact, stage_name: str, video_id: str, digest: str
    ) -> Artifact:
        """Return the artifact of any video that `table` names, an artifact of a fitted stage.

        The job reads of the fitted stage's own stages what the table says, without their ledgers.
        Either digest in a fingerprint is enough: that of the table holds all that it names.
        """
        self._check(fitted_stage)
        if stage_name not in self._run.stages[fitted_stage].pooled:
            raise UndeclaredRead(f"stage {fitted_stage} names artifacts of {stage_name} undeclared")
        artifact = self._run.store.artifact_of_digest(stage_name, video_id, digest)

        def on_read(read: Artifact) -> None:
            if self._known is None or table.row.digest not in self._known:
                self._on_read(read)

        return replace(artifact, on_read=on_read)

    # --- making -----------------------------------------------------------------------------------

    def run_shard(self, compute: Compute, extra_inputs: Mapping[str, Any] | None = None) -> None:
        """Bring the shard up to date.

        extra_inputs: per video or unit, a JSON value that enters its fingerprint besides the
        artifacts of the same one that the stage declares, such as the digests of fits.
        """
        name, extra = self.stage.name, extra_inputs or {}
        tasks = self._run.store.shard_tasks(name, self._named_partition, extra, self._watched)
        tasks = [self._restricted(task) for task in tasks]
        known = {artifact.row.digest for task in tasks for artifact in task.inputs.values()}
        self._make(tasks, compute, known.union(_texts(extra)))

    def _restricted(self, task: Task) -> Task:
        """Return a task whose videos show only what the stage may read."""
        if task.members:
            return replace(task, members={name: self.videos[name] for name in task.members})
        return replace(task, video=self.videos[task.name])

    def run_fits(self, fits: Mapping[str, Any], compute: Compute) -> None:
        """Bring a fitted stage up to date.

        fits: names of what is fitted, each with a JSON value that enters its fingerprint.
        """
        tasks = self._run.store.fit_tasks(self.stage.name, fits)
        self._make(tasks, compute, set(_texts(fits)))

    def run_seeds(self, fits: Mapping[int, Mapping[str, Any]], compute: Compute) -> None:
        """Bring the job's seeds of a fitted stage up to date; fits: as in `run_fits`, by seed."""
        self.run_fits(fits_of_seeds(fits), compute)

    def _make(self, tasks: Sequence[Task], compute: Compute, known: Iterable[str]) -> None:
        self._run.tools.check(self.stage.tools)
        self._known = frozenset(known)
        try:
            self._run.store.run_tasks(self.stage.name, self.partition, tasks, compute)
        finally:
            self._known = None
        if self._plan is not None:
            layout, name = self._run.layout, self.stage.name
            note = layout.folder(name, self.partition) / NOTE
            write_note(note, self._plan, [layout.ledger(name, self.partition)])

    def _watched(self, artifact: Artifact) -> Artifact:
        return replace(artifact, on_read=self._on_read)

    def _on_read(self, artifact: Artifact) -> None:
        """Refuse an artifact that is in no fingerprint while artifacts are made.

        At other times a script may read any artifact, to decide what to make from what.
        """
        if self._known is not None and artifact.row.digest not in self._known:
            raise UndeclaredRead(
                f"{self._owner} reads {artifact.path}, which is in no fingerprint of what it makes"
            )


class _RunReader(_Reader):
    """A reader that may know the whole configuration and all videos."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The whole configuration."""
        return self._run.config

    @property
    def videos(self) -> Mapping[str, Video]:
        """All videos, by id."""
        return self._run.dataset.videos

    @property
    def units(self) -> Mapping[str, Mapping[str, Video]]:
        """All videos, by unit and id; a video on its own is a unit by its id."""
        return by_unit(self.videos)

    @property
    def shards(self) -> Mapping[str, Sequence[str]]:
        """Shard names with the ids of their videos."""
        return self._run.dataset.shards


class FullReader(_RunReader):
    """All of a run, for tools and tables that follow no declaration."""

    def __init__(self, run: Run) -> None:
        super().__init__(run, "reader", 1, run.stages)


class ReportJob(_RunReader):
    """The job of a report: the whole configuration, and the stages that the report declares.

    Its fingerprint holds the configuration and all that is upstream of these stages.
    """

    def __init__(self, run: Run, report: Report, threads: int = 1) -> None:
        declared = run.stages.of_report(report)
        readable = declared.upstream
        if run.base is not None:
            scenario = scenario_name(run.layout.scenario_path.rstrip("/"))
            readable = declared.stages_in(run.base.config, scenario)
        super().__init__(run, f"report {report.module or report.script}", threads, readable)
        self._declared = report
        self._config = report.readable(run.config, run.registry.display_settings)

    @property
    def config(self) -> Mapping[str, Any]:
        """The configuration, without what only decides how results are shown."""
        return self._config

    @property
    def missing_labels(self) -> str:
        """Why there is nothing to measure, in words; empty where there are labels."""
        return self._run.dataset.missing_labels

    def model_identity(self, role: str) -> str:
        """Return what identifies a model's content."""
        return self._run.models.identity(role)

    @property
    def stages(self) -> list[str]:
        """The stages that it may read and that the run has, in the order of the registry."""
        return [
            name
            for name in self._run.registry.stages
            if name in self._readable and self._run.planner.has_stage(name)
        ]

    @property
    def expected_statuses(self) -> frozenset[str]:
        """Statuses of a ledger, besides "ok", that deserve no warning."""
        return self._run.registry.expected_statuses

    def suffix_of(self, stage_name: str) -> str:
        """Return the suffix of a stage's artifacts."""
        return self._run.stages[stage_name].suffix

    def contents(self) -> dict[str, Any]:
        """Return the content of each output of the report, by the name of the output.

        Raises UserError for a configuration that the report cannot be written for.
        """
        self._declared.check(self.config)
        return import_module(self._declared.module).contents(self)

    def scenario(self, name: str) -> ReportJob:
        """Return the view of a scenario that the report declares; of the run for an empty name."""
        if name and name not in self._declared.scenarios(self._run.config):
            raise UndeclaredRead(f"{self._owner} reads the scenario {name} undeclared")
        return ReportJob(self._run.scenario(name), self._declared, self.threads)


def make_jobs(
    run: Run,
    script: str,
    partition: str | None = None,
    threads: int = 1,
    plans: Sequence[str | None] | None = None,
) -> list[Job]:
    """Return the jobs of a script's stages, in the order of the registry, for one partition.

    plans: what the fingerprint of each job when it was planned, to be recorded.
    """
    stages = run.stages.of_script(script)
    plans = [None] * len(stages) if plans is None else plans
    return [
        Job(run, stage, partition, threads, plan) for stage, plan in zip(stages, plans, strict=True)
    ]


def run_job(snakemake: Any, main: Callable[..., None], registry: Registry) -> None:
    """Call a script's main for the job that Snakemake runs, with its log open.

    A stage's main is given a `Job`, one for each stage of the script. That of a report, which the
    rule names in its params, is given a `ReportJob`, that of another table the run and the
    wildcards; both are also given the named outputs.
    """
    with job_log(snakemake.log[0]):
        wildcards = dict(snakemake.wildcards.items())
        run = Run.of_job(snakemake.config, registry)
        run = run.scenario_of_path(wildcards.pop("scenario", ""))
        threads = snakemake.threads
        if snakemake.rule in registry.stages_of_script:
            partition = wildcards.get("shard", wildcards.get("seeds"))
            main(*make_jobs(run, snakemake.rule, partition, threads, snakemake.params.fingerprint))
            return
        outputs = dict(snakemake.output.items())
        if name := snakemake.params.get("report"):
            main(ReportJob(run, registry.reports[name], threads), **outputs)
        else:
            main(run, **wildcards, **outputs)
        if plan := snakemake.params.get("fingerprint"):
            paths = [Path(output) for output in snakemake.output]
            write_note(table_note(paths[0]), plan, paths)


def _texts(value: object) -> Iterator[str]:
    """Yield all strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(inner)
