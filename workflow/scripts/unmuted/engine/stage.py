"""The declaration of a workflow for the engine: its stages, its reports, and what surrounds them.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from unmuted.dataset.videos import SPLITS

if TYPE_CHECKING:
    from unmuted.dataset.videos import Dataset, Video
    from unmuted.engine.run import Run

Config = Mapping[str, Any]
Chosen = Callable[[Config], Collection[str]]
Resplit = Callable[["tuple[Video, ...]"], Mapping[str, str]]  # from videos to splits, by id
Declared = TypeVar("Declared", "Stage", "Report")


@dataclass(frozen=True)
class Stage:
    """One stage of a workflow: what it makes, and everything that it reads.

    A job is handed only what its stage declares here (see `unmuted.engine.job`), and the
    fingerprints of its artifacts are derived from the same declaration.

    Attributes:
        name: its folder in results/.
        script: the script and the rule that make it; stages of one script are made by one job.
        suffix: of its artifacts.
        inputs: stages whose artifacts of the same video it reads; a video that they could not
            process is passed on with their status.
        optional: the same, where a missing artifact is fine.
        pooled: of a fitted stage, the stages whose artifacts of many videos it reads.
        splits: of a fitted stage, the splits whose videos it may read; a changed video of another
            split is no reason to run it. Empty: all videos, those without a label too.
        all_videos_if: a setting; where it is true, the stage reads all videos, whatever `splits`
            says.
        by_split: of a fitted stage that reads all videos, whether its results for the videos of
            a split depend on this split and those before it alone (train, then val, then test).
        fits: fitted stages that it reads.
        after: fitted stages that must be up to date before this one runs, because they check what
            it relies on. It reads nothing of them.
        settings: configuration keys that shape its artifacts.
        indirect_settings: keys that it reads and that shape only some of its artifacts, or only
            which artifacts it reads. The inputs of each artifact record their effect.
        neutral_settings: keys that it reads and that change nothing it makes, such as how it is
            confined: in no fingerprint.
        models: configuration roles of the models that it runs.
        tools: programs outside Python that it calls, by their names in the registry.
        version: raised when its code changes what it makes; see `unmuted.engine.code_versions`.
        is_sharded: one artifact per video, in shards; otherwise one per fit.
        per_unit: of a sharded stage, whether it makes one artifact per unit: of the videos that
            belong together, or of a video on its own. A video that an input could not process is
            then a gap; the unit is passed on with that status if no video of it is left.
        by_seed: of a fitted stage, whether every fit belongs to a seed.
        reads_source: whether it opens the videos themselves.
        reads_specification: whether it is made from the specifications of generated videos; such
            a stage exists only where the dataset has them.
        reads_targets: whether it reads the targets of the videos, see `Video`.
        reads_splits: whether it reads the table of splits; a stage with `pooled` always does. One
            that reads fits, but none of them under a configuration, then reads no splits either.
        keeps_splits: whether it still reads the splits then.
        reads_videos: of a fitted stage, whether it depends on which videos and labels there are.
        shows_labels: of a sharded stage, whether label, group and given split of a video stand in
            its artifact.
        without_labels: under a configuration, which of its stages it reads where labels are
            missing, besides its `inputs`: of these what needs no labels, and no splits. None: it
            needs labels.
        chosen: under a configuration, which of the declared stages it reads; all unless given.
    """

    name: str
    script: str
    suffix: str
    inputs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    pooled: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    all_videos_if: str = ""
    by_split: bool = False
    fits: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    indirect_settings: tuple[str, ...] = ()
    neutral_settings: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    version: int = 1
    is_sharded: bool = True
    per_unit: bool = False
    by_seed: bool = False
    reads_source: bool = False
    reads_specification: bool = False
    reads_targets: bool = False
    reads_splits: bool = False
    keeps_splits: bool = False
    reads_videos: bool = True
    shows_labels: bool = False
    without_labels: Chosen | None = None
    chosen: Chosen | None = None

    def __post_init__(self) -> None:
        if self.is_sharded and (self.pooled or self.splits or self.by_seed):
            raise ValueError(
                f"stage {self.name}: only a fitted stage has pooled, splits or by_seed"
            )
        if self.per_unit and not self.is_sharded:
            raise ValueError(f"stage {self.name}: a fitted stage has no units")
        if unknown := set(self.splits) - set(SPLITS):
            raise ValueError(f"stage {self.name}: unknown splits {sorted(unknown)}")

    @property
    def readable_settings(self) -> tuple[str, ...]:
        """All configuration keys that it reads."""
        return (*self.settings, *self.indirect_settings, *self.neutral_settings)

    @property
    def upstream(self) -> tuple[str, ...]:
        """All stages that it reads."""
        return (*self.inputs, *self.optional, *self.pooled, *self.fits)

    def under(self, config: Config) -> Stage:
        """Return the stage with what it reads under a configuration."""
        if self.chosen is None:
            return self
        stage = _narrowed(self, self.chosen(config))
        is_without_fits = bool(self.fits) and not stage.fits
        keeps = stage.keeps_splits or not is_without_fits
        return replace(stage, reads_splits=stage.reads_splits and keeps)


@dataclass(frozen=True)
class Report:
    """A file of results that sums up a run; nothing is fitted or chosen for it.

    Attributes:
        script: the script that writes it; one may write several reports.
        pooled: stages whose artifacts of all videos it reads, where these stages exist.
        fits: fitted stages that it reads.
        in_part: sharded stages of which it reads some shards; its rule names their ledgers.
        scenarios: names the scenarios that it reads besides the run itself.
        in_scenarios: the sharded stages that it reads in them.
        chosen_in: in a scenario, which of these it reads; all unless given.
        chosen: under a configuration, which of the declared stages it reads; all unless given.
        without_labels: as of a `Stage`.
        check: raises UserError for a configuration that the report cannot be written for.
        is_display: whether it only shows what others found. It alone reads the registry's
            `display_settings`.
        module: the library's module whose `contents(job)` says what is in each output of the
            report; it is imported by the job alone. Empty where the script says it.
    """

    script: str
    pooled: tuple[str, ...]
    fits: tuple[str, ...]
    in_part: tuple[str, ...] = ()
    scenarios: Callable[[Config], Collection[str]] = field(default=lambda config: ())
    in_scenarios: tuple[str, ...] = ()
    chosen_in: Callable[[Config, str], Collection[str]] | None = None
    chosen: Chosen | None = None
    without_labels: Chosen | None = None
    check: Callable[[Config], None] = field(default=lambda config: None)
    is_display: bool = False
    module: str = ""

    @property
    def upstream(self) -> tuple[str, ...]:
        """All stages that it reads of the run itself."""
        return (*self.pooled, *self.fits, *self.in_part)

    def readable(self, config: Config, display_settings: Collection[str]) -> Config:
        """Return what it may read of a configuration."""
        hidden = () if self.is_display else display_settings
        return {key: value for key, value in config.items() if key not in hidden}

    def stages_in(self, config: Config, scenario: str) -> tuple[str, ...]:
        """Return the stages that it reads in a scenario; config: that of the run."""
        if self.chosen_in is None:
            return self.in_scenarios
        wanted = self.chosen_in(config, scenario)
        return tuple(name for name in self.in_scenarios if name in wanted)

    def under(self, config: Config) -> Report:
        """Return the report with what it reads under a configuration."""
        return self if self.chosen is None else _narrowed(self, self.chosen(config))


def without_labels(row: Declared, wanted: Collection[str]) -> Declared:
    """Return a row as it is where labels are missing; wanted: stages that are made all the same.

    What a stage needs stays: it is then not made itself.
    """
    if isinstance(row, Report):
        return _narrowed(row, wanted)
    narrowed = _narrowed(row, {*wanted, *row.inputs})
    return replace(narrowed, reads_splits=False)


def _narrowed(row: Declared, wanted: Collection[str]) -> Declared:
    """Return a row that reads only the wanted stages among those that it declares."""
    kinds = ("inputs", "optional", "pooled", "fits", "in_part", "in_scenarios")
    kept: dict[str, Any] = {
        kind: tuple(name for name in getattr(row, kind) if name in wanted)
        for kind in kinds
        if hasattr(row, kind)
    }
    return replace(row, **kept)


@dataclass(frozen=True)
class UnitExport:
    """A file that is offered for every unit.

    stage: with one artifact per unit. part: of a JSON artifact, the key under which the text of the
    file stands; empty where the artifact is the file. needs: what a unit without this part lacks,
    for the error.
    """

    stage: str
    part: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Family:
    """The rows of stages that belong together: of a medium, of features, or of one system.

    Attributes:
        name: that of its rules file, `workflow/rules/<name>.smk`.
        stages: each after the stages that it reads.
        reports: by name.
        exports: files that are offered for every single video, each with its stage.
        unit_exports: the same for every unit.
    """

    name: str
    stages: tuple[Stage, ...]
    reports: Mapping[str, Report] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)
    unit_exports: Mapping[str, UnitExport] = field(default_factory=dict)


class ModelCatalog(Protocol):
    """Where the models of a configuration come from.

    settings: one entry of `models`. role: its key, for messages.
    """

    def spec(self, settings: Config, role: str) -> Any:
        """Return what a script needs to load the model."""

    def identity(self, settings: Config, role: str) -> str:
        """Return what identifies its content; computed without loading it."""

    def fingerprint(self, settings: Config, identity: str) -> Any:
        """Return a JSON value of all that shapes what the model makes, with its `identity`."""

    def require(self, settings: Mapping[str, Config]) -> None:
        """Make the models, by role, available offline. Raises UserError where one is not."""


@dataclass(frozen=True)
class Registry:
    """The declaration of one workflow for the engine.

    Attributes:
        stages: by name, a stage after the stages that it reads.
        check_config: returns a given configuration with all defaults. Raises UserError.
        read_dataset: the videos that a configuration names. Raises UserError.
        dataset_identity: what tells the dataset of a configuration from another one.
        scripts: the folder of the scripts.
        reports: by name.
        exports: files that are offered for every single video, each with its stage.
        unit_exports: the same for every unit.
        source_settings: sections of the configuration, besides `videos`, that say which videos
            there are.
        models: where models come from; needed where a stage has models.
        tools: what tells the version of a program that stages call, by its name; the same on every
            machine with the same version. May raise UserError.
        source_stage: the stage that makes the videos of a generated dataset.
        checks: of a run, before the first job; each raises UserError.
        fit_checks: the same, before the first job of a run that fits anything.
        has_setting: tells whether the configuration has a key; every key that a stage declares is
            asked for, if this is given.
        display_settings: sections of the configuration that only decide how results are shown; the
            other reports neither read them nor are written again for them.
        fixed_settings: keys that must be the same in all scenarios, besides those of the engine.
        resplit: how a scenario with these settings splits the videos; None where it keeps the
            splits of the run.
        expected_statuses: statuses of a ledger, besides "ok", that deserve no warning.
        infrastructure: modules that decide where an artifact lies, not what is in it: the code of
            no stage.
        code_versions: the table of recorded code digests, see `unmuted.engine.code_versions`.
    """

    stages: Mapping[str, Stage]
    check_config: Callable[[Config], dict[str, Any]]
    read_dataset: Callable[[Config], Dataset]
    dataset_identity: Callable[[Config], dict[str, str]]
    scripts: Path
    reports: Mapping[str, Report] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)
    unit_exports: Mapping[str, UnitExport] = field(default_factory=dict)
    source_settings: tuple[str, ...] = ()
    models: ModelCatalog | None = None
    tools: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    source_stage: str | None = None
    checks: tuple[Callable[[Run], None], ...] = ()
    fit_checks: tuple[Callable[[Run], None], ...] = ()
    has_setting: Callable[[str], bool] | None = None
    display_settings: tuple[str, ...] = ()
    fixed_settings: tuple[str, ...] = ()
    resplit: Callable[[Config], Resplit | None] = field(default=lambda config: None)
    expected_statuses: frozenset[str] = frozenset()
    infrastructure: frozenset[str] = frozenset()
    code_versions: Path | None = None

    def __post_init__(self) -> None:
        known: set[str] = set()
        for stage in self.stages.values():
            if unknown := {*stage.upstream, *stage.after} - known:
                raise ValueError(f"stage {stage.name} reads {sorted(unknown)}, which come later")
            known.add(stage.name)
            of_units = {name for name in stage.upstream if self.stages[name].per_unit}
            if not stage.per_unit and of_units & {*stage.inputs, *stage.optional}:
                raise ValueError(
                    f"stage {stage.name} reads {sorted(of_units)}, which have an artifact per unit"
                )
            if missing := set(stage.tools) - self.tools.keys():
                raise ValueError(
                    f"stage {stage.name} calls {sorted(missing)}, which has no version"
                )
            self._check_settings(stage)
        exported = {*self.exports.values(), *(one.stage for one in self.unit_exports.values())}
        if unknown := exported - known:
            raise ValueError(f"there are exports of {sorted(unknown)}, which are no stages")
        for name, stage_name in self.exports.items():
            if self.stages[stage_name].per_unit:
                raise ValueError(f"the export {name} of a video is of {stage_name}, made per unit")
        for name, export in self.unit_exports.items():
            if not self.stages[export.stage].per_unit:
                raise ValueError(f"the export {name} of a unit is of {export.stage}, one per video")

    def _check_settings(self, stage: Stage) -> None:
        """Raise ValueError for declared keys that the configuration does not have."""
        declared = {*stage.readable_settings, stage.all_videos_if} - {""}
        if self.has_setting and (unknown := {key for key in declared if not self.has_setting(key)}):
            raise ValueError(
                f"stage {stage.name} declares the settings {sorted(unknown)}, which the "
                "configuration does not have"
            )

    @cached_property
    def stages_of_script(self) -> Mapping[str, tuple[Stage, ...]]:
        """By script, the stages that one of its jobs makes."""
        by_script: dict[str, tuple[Stage, ...]] = {}
        for stage in self.stages.values():
            by_script[stage.script] = (*by_script.get(stage.script, ()), stage)
        return by_script
