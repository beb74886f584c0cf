"""The plan of a run: what every artifact is made from, where it lies, what calls for a visit.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

from unmuted.config.validation import setting
from unmuted.dataset.splits import check_classes, make_splits, read_groups
from unmuted.dataset.videos import Video, check_experiment
from unmuted.digests import digest_json
from unmuted.engine.code_versions import code_identity
from unmuted.engine.corpus import Corpus
from unmuted.engine.origin import check_origin, note_origin
from unmuted.engine.recipes import code_digest, recipe
from unmuted.engine.runner import found_damage, read_plan
from unmuted.engine.seeds import partition_seeds
from unmuted.engine.stage import Registry, Report, Stage
from unmuted.engine.variants import apply_variant, variant_name, variant_path
from unmuted.errors import UserError
from unmuted.text import printable

RESULTS = Path("results")
ORIGIN = RESULTS / ".source.json"
NOTED = RESULTS / ".videos.jsonl"
SPLITS = RESULTS / "splits.csv"

Scope = frozenset[str] | None  # splits whose videos count; None: all videos
ALL: Scope = None


class Plan(Corpus):
    """The configuration and the videos with the recipes that follow from them."""

    def __init__(self, config: Mapping[str, object], registry: Registry) -> None:
        super().__init__(config, registry)
        self.base: Self | None = None  # the run that this is a variant of
        self._path = ""
        self._variants: dict[str, Self] = {}
        self._forget()

    @classmethod
    def of_job(cls, config: Mapping[str, object], registry: Registry) -> Self:
        """For a job: with the videos that the Snakemake which planned it has noted."""
        project = cls(config, registry)
        project.read_note(NOTED)
        return project

    def _forget(self) -> None:
        self._stages: dict[str, Stage] = {}
        self._folders: dict[str, Path] = {}
        self._stamps: dict[str, list[object]] = {}
        self._identities: dict[str, str] = {}
        self._visits: dict[tuple[str, str | None, Scope], str] = {}
        self._makeups: dict[str, str] = {}
        self._fixed: dict[str, tuple[object, object, object]] = {}
        self._all_visits: dict[tuple[str, Scope], str] = {}
        self._in_scope: dict[tuple[str, Scope], Mapping[str, Video]] = {}
        self._complete: dict[str, bool] = {}
        self._experiments: dict[Scope, str] = {}
        self._is_sound = False  # the experiment, by `check_experiment`

    def variant(self, path: str) -> Self:
        """The same videos with other settings; `path` as in `variants.variant_path`, or empty.

        Raises UserError for settings that do not exist or that a variant may not change.
        """
        if not path:
            return self
        if path not in self._variants:
            other = copy.copy(self)  # with the videos, shards and splits that were read already
            other.config = apply_variant(
                self.config,
                variant_name(path),
                self.registry.check_config,
                self.registry.fixed_settings,
            )
            other.base, other._path, other._variants = self, path, {}
            other._forget()
            self._variants[path] = other
        return self._variants[path]

    def variant_of(self, name: str) -> Self:
        """The variant of a name such as "folds=3"; the run itself for the empty name."""
        return self.variant(variant_path(name))

    def check(self) -> None:
        """Raise UserError for all that is known to be wrong before any job starts.

        A data set without labels is fine here: everything but the fits can be made of it.
        """
        if self.dataset.classes:
            self.check_labels()
        for role in self.config.get("models", {}):
            self.model_identity(role)
        for check in self.registry.checks:
            check(self)

    def check_labels(self) -> None:
        """Raise UserError where labels and splits contradict an experiment, however large."""
        check_experiment(self.dataset)
        check_classes(self.dataset.videos, self.splits)

    def check_experiment(self) -> None:
        """Raise UserError unless labels and splits allow models to be trained and tested.

        Looked into once: every shard of every stage that follows the fits asks.
        """
        if not self._is_sound and self.noted is None:  # a job's were checked when it was planned
            self.check_labels()
            for check in self.registry.fit_checks:
                check(self)
            self._is_sound = True

    def check_source(self) -> None:
        """Raise UserError if results/ was made from other videos, which this run would delete."""
        check_origin(ORIGIN, self.registry.dataset_identity(self.config))

    def note_source(self) -> None:
        """Note the source of the videos in results/, and the videos for the jobs.

        Raises UserError like `check_source`.
        """
        note_origin(ORIGIN, self.registry.dataset_identity(self.config))
        runs = (self, *self._variants.values())
        self.note_videos(NOTED, {run._path: run._planned_visits() for run in runs})

    # --- stages -----------------------------------------------------------------------------------

    def stage(self, name: str) -> Stage:
        """The stage of a name, with what it reads under this configuration."""
        if name not in self._stages:
            self._stages[name] = self.registry.stages[name].under(self.config)
        return self._stages[name]

    def report(self, name: str) -> Report:
        """The report of a name, with what it reads under this configuration."""
        return self.registry.reports[name].under(self.config)

    def has_stage(self, name: str) -> bool:
        """Whether this run has the stage: some exist for generated videos alone."""
        return self.is_generated or not self.stage(name).reads_specification

    def inputs(self, stage: Stage) -> tuple[str, ...]:
        """Stages of which a stage needs the same video; generated videos are a stage's too."""
        source = self.registry.source_stage
        reads_generated = stage.reads_source and source is not None and self.is_generated
        return (*stage.inputs, source) if reads_generated else stage.inputs

    def model_spec(self, role: str) -> object:
        """The configured model of a role, a key of the section `models`."""
        return self.registry.models.spec(self.config["models"][role])

    def model_identity(self, role: str) -> str:
        """What identifies a model's content; looked up once."""
        if role not in self._identities:
            settings = self.config["models"][role]
            self._identities[role] = self.registry.models.identity(settings)
        return self._identities[role]

    def require_models(self, rules: Collection[str]) -> None:
        """Fetch the models that jobs of these rules run and that are not at hand.

        Raises UserError naming all that are missing.
        """
        roles = {
            role
            for stage in self.registry.stages.values()
            if stage.script in rules
            for role in stage.models
        }
        if roles:
            wanted = {role: self.config["models"][role] for role in sorted(roles)}
            self.registry.models.require(wanted)
            for check in self.registry.checks:
                check(self)

    def recipe(self, stage_name: str, inputs: object) -> str:
        """Recipe of an artifact of a stage made from `inputs` (a JSON value)."""
        if stage_name not in self._fixed:
            self._fixed[stage_name] = self._fixed_parts(self.stage(stage_name))
        return recipe(stage_name, *self._fixed[stage_name], inputs)

    def _fixed_parts(self, stage: Stage) -> tuple[object, object, object]:
        """Code, settings and models of all recipes of a stage."""
        models = {
            role: self.registry.models.fingerprint(
                self.config["models"][role], self.model_identity(role)
            )
            for role in stage.models
        }
        device = self.config["device"] if stage.models else None
        code = code_identity(stage, self.registry)
        return code, self.settings(stage.settings), [models, device]

    def settings(self, keys: Iterable[str]) -> dict[str, object]:
        """Values of these keys, by key."""
        return {key: setting(self.config, key) for key in keys}

    def visit_recipe(self, stage_name: str, shard: str | None = None) -> str:
        """For `params:` of a stage's rule: changes when a visit (to this shard) may find work.

        Chained over all upstream stages, down to the stamps of the source videos: Snakemake takes a
        missing ledger between stages for no reason to run (a job that failed leaves one), so the
        rule of the last stage must know itself that something upstream has changed. A fitted stage
        is told of the videos that it may read, and of no others. Raises UserError for a shard that
        is not part of this run.
        """
        if shard is not None and not self.has_shard(shard):
            raise UserError(f"no shard {shard!r} in this run; there are {_some(self.shards)}")
        self._check_own(stage_name)
        return self._visit(stage_name, shard, ALL)

    def _check_own(self, stage_name: str) -> None:
        if self.home(stage_name) is not self:
            raise UserError(
                f"nothing that {self._path.rstrip('/')} changes reaches the stage {stage_name}: "
                f"use {self.home(stage_name).folder(stage_name)}"
            )

    def home(self, stage_name: str) -> Self:
        """Where a stage's artifacts lie: here, or in the run that this is a variant of.

        Stages that one job makes lie in one place.
        """
        if self.base is None:
            return self
        together = self.registry.stages_of_script[self.stage(stage_name).script]
        same = all(self._makeup(one.name) == self.base._makeup(one.name) for one in together)
        return self.base if same else self

    def _makeup(self, stage_name: str) -> str:
        """Digest of all settings and models that reach a stage, whatever the videos are."""
        if stage_name not in self._makeups:
            stage = self.stage(stage_name)
            made_of: list[object] = [self._makeup(name) for name in stage.upstream]
            made_of.append(self.settings(stage.indirect_settings))
            self._makeups[stage_name] = self.recipe(stage_name, made_of)
        return self._makeups[stage_name]

    def _visit(self, stage_name: str, shard: str | None, scope: Scope) -> str:
        """The visit of a shard, or of a fitted stage, as far as the videos in `scope` go.

        Of fitted stages only those by split are seen in parts: others change as a whole.
        """
        home = self.home(stage_name)
        if home is not self:
            return home._visit(stage_name, shard, scope)
        stage = self.stage(stage_name)
        if shard is None and not stage.by_split:
            scope = ALL
        if shard is None and scope is ALL and (planned := self._noted_visit(stage_name)):
            return planned
        key = (stage_name, shard, scope)
        if key not in self._visits:
            read = self.scope_of(stage) if scope is ALL else scope
            beside = (*self.inputs(stage), *stage.optional)
            upstream = [self._visit(name, shard, scope) for name in beside]
            upstream += [self._visit_all(name, read) for name in stage.pooled]
            upstream += [self._visit(name, None, scope) for name in stage.fits]
            damage = found_damage(self.folder(stage_name, shard), parts=not stage.is_sharded)
            seen = [self._seen_directly(stage, shard, read if shard is None else scope)]
            seen += [damage, upstream]
            seen.append(self.settings(stage.indirect_settings))
            self._visits[key] = self.recipe(stage_name, seen)
        return self._visits[key]

    def _visit_all(self, stage_name: str, scope: Scope) -> str:
        """The visits to all shards of a stage as one digest, as far as the videos in `scope` go."""
        home = self.home(stage_name)
        if home is not self:
            return home._visit_all(stage_name, scope)
        if (stage_name, scope) not in self._all_visits:
            visits = [self._visit(stage_name, shard, scope) for shard in self.shards]
            self._all_visits[stage_name, scope] = digest_json(visits)
        return self._all_visits[stage_name, scope]

    def scope_of(self, stage: Stage) -> Scope:
        """The splits whose videos a fitted stage may read; ALL videos where it names none."""
        widened = stage.all_videos_if and setting(self.config, stage.all_videos_if)
        return ALL if widened or not stage.splits else frozenset(stage.splits)

    def is_in(self, scope: Scope, video_id: str) -> bool:
        """Whether a video is in one of the splits of a scope."""
        return scope is ALL or self.splits.get(video_id) in scope

    def _planned_visits(self) -> dict[str, object]:
        """What the plan has found out about all shards, for jobs that see one of them."""
        visits = self._visits.items()
        fits = {name: v for (name, shard, scope), v in visits if (shard, scope) == (None, ALL)}
        return {"config": digest_json(self.config), "fits": fits}

    def _noted_visit(self, stage_name: str) -> str | None:
        """In a job: the visit of a fitted stage that was planned, for these settings.

        Without it every job that follows the fits would look at every video of the run.
        """
        planned = {} if self.noted is None else self.noted.visits.get(self._path, {})
        if planned.get("config") != digest_json(self.config):
            return None
        return planned["fits"].get(stage_name)

    def _seen_directly(self, stage: Stage, shard: str | None, scope: Scope) -> object:
        """What a stage sees of the videos other than through the artifacts of other stages."""
        if shard is None:
            return self._experiment_digest(scope) if stage.reads_videos else None
        videos = self._videos_in(shard, scope)
        if stage.reads_specification:
            return [self.dataset.specifications[name] for name in videos]
        if stage.reads_source and self.registry.source_stage not in self.inputs(stage):
            return {name: self._stamp(video) for name, video in videos.items()}
        return list(videos)

    def _stamp(self, video: Video) -> list[object]:
        """The stamp of a source video, looked up once."""
        if video.video_id not in self._stamps:
            self._stamps[video.video_id] = video.stamp()
        return self._stamps[video.video_id]

    def _videos_in(self, shard: str, scope: Scope) -> Mapping[str, Video]:
        """The videos of a shard that are in a scope, by id; every stage upstream of a fit asks."""
        if (shard, scope) not in self._in_scope:
            videos = self.videos_of(shard).items()
            found = {name: video for name, video in videos if self.is_in(scope, name)}
            self._in_scope[shard, scope] = found
        return self._in_scope[shard, scope]

    def _experiment_digest(self, scope: Scope) -> str:
        """Labels, groups and splits of the videos in a scope, all classes, and the seeds."""
        if scope not in self._experiments:
            table = [
                [one.video_id, one.label, one.split, one.group, self.splits.get(one.video_id)]
                for one in self.dataset.videos
                if self.is_in(scope, one.video_id)
            ]
            parts = [table, self.classes, self.splits_recipe, self.config["seeds"]]
            self._experiments[scope] = digest_json(parts)
        return self._experiments[scope]

    # --- splits -----------------------------------------------------------------------------------

    @property
    def kept_splits(self) -> Path:
        """Where splits that were made are kept, beside the table: Snakemake deletes outputs."""
        return RESULTS / f".splits-{self.splits_recipe[:12]}.csv"

    @cached_property
    def splits(self) -> Mapping[str, str]:
        """Split of every labelled video, by id; groups that had one before keep it."""
        earlier = read_groups(self.kept_splits) if self.kept_splits.exists() else {}
        seed = self.config["splits"]["seed"]
        return make_splits(self.dataset.videos, self.split_shares, seed, earlier)

    # --- where things lie -------------------------------------------------------------------------

    def ledger(self, stage_name: str, part: str | None = None) -> Path:
        """Ledger of a shard, of a partition of seeds, or of a stage that has neither."""
        folder = self._stage_folder(stage_name)
        name = f"{part}.ledger.csv" if part else f"{stage_name}.ledger.csv"
        return (folder if part else folder.parent) / name

    def folder(self, stage_name: str, part: str | None = None) -> Path:
        """Folder of the artifacts of a shard or a partition, or of a whole stage."""
        folder = self._stage_folder(stage_name)
        return folder / part if part else folder

    def _stage_folder(self, stage_name: str) -> Path:
        """Looked up once: every job of a plan names files of many shards."""
        if stage_name not in self._folders:
            self._folders[stage_name] = RESULTS / self.home(stage_name)._path / stage_name
        return self._folders[stage_name]

    @cached_property
    def seed_parts(self) -> Mapping[str, tuple[int, ...]]:
        """Partitions of the seeds, with the seeds of each."""
        return partition_seeds(self.config["seeds"], self.config.get("seeds_per_job"))

    def parts(self, stage_name: str) -> list[str | None]:
        """Parts of a fitted stage with a ledger each: partitions of its seeds, or the whole."""
        return [*self.seed_parts] if self.stage(stage_name).by_seed else [None]

    def all_ledgers(self, stage_name: str) -> list[Path]:
        """Ledgers of all shards, or of all parts, of a stage."""
        is_sharded = self.stage(stage_name).is_sharded
        parts = self.shards if is_sharded else self.parts(stage_name)
        return [self.ledger(stage_name, part) for part in parts]

    def stage_inputs(
        self, stage_name: str, part: str | None = None, is_forced: bool = False
    ) -> list[Path]:
        """What the job of a stage (of one shard or partition) waits for: `input:` of its rule.

        A fitted stage that is up to date waits for nothing that it pools. Those ledgers are written
        anew for any of their videos, also for those that it may not read; and Snakemake does not
        look at the params of a job that follows, however remotely, one which runs: with such inputs
        a changed test video would hide that other jobs behind the fit have work to do.

        is_forced: whether jobs may run that have no reason to, and must wait for what they read.
        """
        stage = self.stage(stage_name)
        if stage.by_seed and part not in self.seed_parts:
            raise UserError(
                f"no partition of seeds {part!r} in this run; there are {_some(self.seed_parts)}"
            )
        if stage.pooled or stage.reads_splits:
            self.check_experiment()
        splits = [SPLITS] if stage.pooled or stage.reads_splits else []
        fits = [ledger for name in stage.fits for ledger in self.all_ledgers(name)]
        if stage.is_sharded:
            beside = (*self.inputs(stage), *stage.optional)
            return [*(self.ledger(name, part) for name in beside), *fits, *splits]
        if not is_forced and self._is_up_to_date(stage, part):
            return fits
        pooled = [path for name in self._waits_for(stage) for path in self.all_ledgers(name)]
        return [*fits, *pooled, *splits]

    def _is_up_to_date(self, stage: Stage, part: str | None) -> bool:
        """Whether a fitted stage last ran for the present plan, and all that it pools is there."""
        return (
            self.ledger(stage.name, part).exists()
            and read_plan(self.folder(stage.name, part)) == self._visit(stage.name, None, ALL)
            and all(self._is_complete(name) for name in self._waits_for(stage))
        )

    @staticmethod
    def _waits_for(stage: Stage) -> tuple[str, ...]:
        return (*stage.pooled, *stage.after)

    def _is_complete(self, stage_name: str) -> bool:
        """Whether a stage has all its ledgers; looked up once."""
        if stage_name not in self._complete:
            self._complete[stage_name] = all(map(Path.exists, self.all_ledgers(stage_name)))
        return self._complete[stage_name]

    # --- what Snakemake is told of tables, reports and copies -------------------------------------

    @property
    def table_digest(self) -> str:
        """Digest of the data set as a table; for `params:` of the rule that writes it."""
        videos = self.dataset.videos
        return digest_json(
            [
                [v.video_id, printable(v.path or ""), v.label, v.split, v.group, dict(v.extra)]
                for v in videos
            ]
        )

    @property
    def splits_recipe(self) -> str:
        """Digest of how splits are made, where the manifest gives none."""
        return digest_json([self.split_shares, self.config["splits"]["seed"]])

    def report_needs(self, name: str) -> list[Path]:
        """All that a report reads: for `input:` of its rule. Raises UserError as the fits do."""
        self.registry.reports[name].check(self.config)
        return self.needs_of(self.report_reads(self.report(name)))

    def report_recipe(self, name: str) -> str:
        """For `params:` of a report: its code, the configuration, and all that is upstream."""
        report = self.report(name)
        return self.recipe_of(report.script, self.report_reads(report))

    def report_reads(self, report: Report) -> list[tuple[Self, str]]:
        """The stages that a report reads, each with the run that it reads them of."""
        found = [(self, name) for name in report.upstream if self.has_stage(name)]
        others = [self.variant_of(name) for name in report.scenarios(self.config)]
        return found + [(run, name) for run in others for name in report.in_scenarios]

    def needs_of(self, reads: Iterable[tuple[Self, str]]) -> list[Path]:
        """Ledgers of stages of runs, and the splits. Raises UserError as the fits do."""
        self.check_experiment()
        ledgers = [ledger for run, name in reads for ledger in run.all_ledgers(name)]
        return list(dict.fromkeys([SPLITS, *ledgers]))

    def recipe_of(self, script: str, reads: Iterable[tuple[Self, str]]) -> str:
        """Digest of a script, of the configuration, and of all that is upstream of `reads`."""
        upstream = [
            run._visit_all(name, ALL) if run.stage(name).is_sharded else run._visit(name, None, ALL)
            for run, name in reads
        ]
        code = code_digest(script, self.registry.scripts, self.registry.infrastructure)
        return digest_json([code, self.config, upstream])

    def export_recipe(self, artifact: str, video_id: str) -> str:
        """For `params:` of the rule that copies one video's artifact."""
        stage = self.registry.exports[artifact]
        return self.home(stage).visit_recipe(stage, self.require_shard(video_id))


def _some(names: Iterable[str], most: int = 5) -> str:
    first = list(names)
    return ", ".join(first[:most]) + (f", ... ({len(first)})" if len(first) > most else "")
