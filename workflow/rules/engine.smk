# What connects rules with the engine: the run, and what a stage's rule reads and makes. Needs
# REGISTRY.
import os
import sys
import threading
import time

from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.enums import RerunTrigger

from unmuted.engine.file_lock import has_locks
from unmuted.engine.joblog import job_log
from unmuted.engine.layout import RESULTS
from unmuted.engine.locks import claim_lock, release_stale_lock
from unmuted.engine.run import Run
from unmuted.engine.seeds import PATTERN as SEEDS
from unmuted.engine.terminal import LOOK_EVERY, Watch, after_run
from unmuted.engine.scenarios import PATTERN as SCENARIO
from unmuted.errors import UserError

# Jobs share cores: waiting threads of one must sleep, not spin (30 times the CPU time otherwise).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# `workflow.dryrun` is not known yet while rules are read.
DRY_RUN = workflow.output_settings.dryrun

# As the profile sets them: the fingerprints in params say what has work to do. Changed scripts,
# environments or lists of inputs alone do not.
TRIGGERS = {RerunTrigger.MTIME, RerunTrigger.PARAMS}

try:
    # What was checked when the run was planned is not checked again by each of its cluster jobs.
    if workflow.is_main_process:
        RUN = Run(config, REGISTRY)
        RUN.check()
    else:
        RUN = Run.of_job(config, REGISTRY)
    if DRY_RUN:
        RUN.check_identity()
except UserError as error:
    raise WorkflowError(str(error)) from None


if workflow.is_main_process:
    for note in RUN.notes():
        logger.warning(note)
    if not DRY_RUN:
        release_stale_lock()

# Snakemake does not tell a workflow that it deletes outputs, and knows of ledgers and tables alone.
if workflow.is_main_process and any(
    argument.startswith("--delete-all") for argument in sys.argv
):
    logger.warning(
        "Snakemake deletes the ledgers and tables of results/. The artifacts that they list stay, and "
        "the next run takes them over: delete the folder results/ to remove them as well, or use "
        "--forceall to compute everything again."
    )


HAS_ENDED = threading.Event()


wildcard_constraints:
    scenario=SCENARIO,
    seeds=SEEDS,
    shard=r"[A-Za-z0-9_-][A-Za-z0-9._-]*",
    unit=r"[A-Za-z0-9_-][A-Za-z0-9._-]*",
    video=r"[A-Za-z0-9_-][A-Za-z0-9._-]*",


def on_start():
    """Own the lock and results/, and fetch the models of all jobs, before the first job starts.

    Jobs may be offline.
    """
    claim_lock()
    if not has_locks(RESULTS):
        logger.warning(
            f"{RESULTS.absolute()}: this file system has no locks (neither flock nor those of "
            "POSIX). Jobs lock by files that name their owner, which is slower where one was killed"
        )
    try:
        RUN.record()
        RUN.require_models({job.rule.name for job in workflow.dag.needrun_jobs()})
    except UserError as error:
        raise WorkflowError(str(error)) from None
    if not workflow.touch:
        force_jobs()
        threading.Thread(target=show_progress, name="progress", daemon=True).start()


def show_progress():
    """Write now and then to the terminal how far the running jobs are, until Snakemake ends."""
    watch = Watch()
    while not HAS_ENDED.wait(LOOK_EVERY):
        jobs = list(workflow.scheduler.running)
        logs = [Path(str(job.log[0])) for job in single_jobs(jobs) if job.log]
        for line in watch.look(logs, time.monotonic()):
            logger.info(line)


def single_jobs(jobs):
    """Return jobs, and those of groups of jobs."""
    return [one for job in jobs for one in (job if job.is_group() else [job])]


def force_jobs():
    """Have the jobs that were asked for by -R, -F or -f compute what is up to date as well.

    Snakemake calls jobs forced that only go on after a kill, too.
    """
    asked, dag = workflow.dag_settings, workflow.dag
    files = {*asked.forcerun, *(dag.targetfiles if asked.forcetargets else ())}
    for job in dag.needrun_jobs():
        is_asked_for = job.rule in dag.forcerules or not files.isdisjoint(job.output)
        if is_asked_for and job.rule.name in REGISTRY.stages_of_script:
            partition = job.wildcards.get("shard", job.wildcards.get("seeds"))
            run_of(job.wildcards).force(job.rule.name, partition)


def on_success():
    """Prune, and say which videos could not be used, and what was made.

    Raises WorkflowError if no video could be used.
    """
    HAS_ENDED.set()
    RUN.store.prune()
    try:
        show_usable()
    except UserError as error:
        raise WorkflowError(str(error)) from None
    files = {
        str(path) for job in workflow.dag.targetjobs for path in job.output or job.input
    }
    for line in after_run(sorted(map(Path, files)), "site" in REGISTRY.reports):
        logger.info(line)


def on_error():
    """Say which videos could not be used: a job may have failed for want of them."""
    HAS_ENDED.set()
    try:
        show_usable()
    except UserError as error:
        logger.error(str(error))


def show_usable():
    """Write to the terminal which videos could not be used."""
    for line in RUN.check_usable():
        logger.warning(line)


def prune_absent(log):
    """Remove what is left of videos that left the run, and write to the terminal how much it is."""
    with job_log(log):
        removed = RUN.store.prune(with_absent=True)
        videos, size = {one.video_id for one in removed}, sum(
            one.bytes for one in removed
        )
        print(
            f"pruned {len(videos)} videos that left the run: {len(removed)} results, {size} bytes"
        )


class Refusal(WorkflowError):
    """An error of the user in a function of a rule; Snakemake shows no traceback of it."""

    __traceback__ = None


def in_words(function):
    """Return a function of a rule that raises `Refusal` for a UserError."""

    def checked(wildcards):
        try:
            return function(wildcards)
        except UserError as error:
            raise Refusal(str(error)) from None

    return checked


def run_of(wildcards):
    """Return the run with the settings of the scenario that the output's path names."""
    return RUN.scenario_of_path(wildcards.get("scenario", ""))


def is_forced():
    """Return whether Snakemake may run jobs without work, by command or for other triggers."""
    asked = workflow.dag_settings
    forced = asked.forceall or asked.forcetargets or asked.forcerun
    return bool(forced or asked.rerun_triggers - TRIGGERS)


def require_run(outputs):
    """Have Snakemake make these outputs again, whatever it remembers of them, or does not.

    It forgets all where .snakemake/ is removed or was not copied, and looks at no params without
    that trigger. Called while the jobs are planned, in input functions.
    """
    if workflow.is_main_process and workflow.dag is not None:
        workflow.dag.forcefiles.update(map(str, outputs))


def stage_inputs(*stages):
    """Return what the job of these stages waits for: the `input` of its rule.

    Names may hold wildcards, such as vit_{view}.
    """

    def inputs(wildcards):
        run, names = run_of(wildcards), [name.format(**wildcards) for name in stages]
        partition = wildcards.get("shard", wildcards.get("seeds"))
        forced = is_forced()
        for name in names:
            require_run(run.planner.stale_ledger(name, partition))
        return [
            path
            for name in names
            for path in run.planner.stage_inputs(name, partition, forced)
        ]

    return in_words(inputs)


def job_fingerprints(*stages):
    """Return the params of the rule of these stages, which change when there may be work to do."""

    def fingerprints(wildcards):
        planner, names = run_of(wildcards).planner, [
            name.format(**wildcards) for name in stages
        ]
        return [planner.job_fingerprint(name, wildcards.get("shard")) for name in names]

    return in_words(fingerprints)


def every_shard(*stages):
    """Return the ledgers of these stages for every shard, listed when Snakemake asks."""
    return in_words(
        lambda wildcards: [
            ledger for stage in stages for ledger in RUN.layout.all_ledgers(stage)
        ]
    )


@in_words
def splits_inputs(wildcards):
    """Return what the table of splits is made from, if labels and splits allow one."""
    RUN.dataset.check_labels()
    return ["results/videos.csv"]


def table_inputs(output, inputs, fingerprint):
    """Return the input of the rule of a report or table, which is made again if it is stale.

    output: its first one, with wildcards. inputs, fingerprint: functions of the wildcards.
    """

    def of_wildcards(wildcards):
        if workflow.is_main_process:
            path = Path(output.format(**wildcards))
            require_run(RUN.planner.stale_table(path, fingerprint(wildcards)))
        return inputs(wildcards)

    return in_words(of_wildcards)


def report_inputs(name, output=None):
    """Return the input of a report's rule; its name may hold wildcards, such as {system}_metrics.

    output: the first one of the rule, by which a stale report is known.
    """

    def inputs(wildcards):
        return RUN.report_inputs(name.format(**wildcards))

    if output:
        return table_inputs(output, inputs, report_fingerprint(name))
    return in_words(inputs)


def report_fingerprint(name):
    """Return the params of a report's rule."""
    return in_words(lambda wildcards: RUN.report_fingerprint(name.format(**wildcards)))


@in_words
def export_ledger(wildcards):
    """Return the input of the rule that copies an artifact of one video."""
    return RUN.planner.export_ledger(wildcards.artifact, wildcards.video)


@in_words
def export_fingerprint(wildcards):
    """Return the params of the rule that copies an artifact of one video."""
    return RUN.planner.export_fingerprint(wildcards.artifact, wildcards.video)


@in_words
def unit_export_ledger(wildcards):
    """Return the input of the rule that copies an artifact of one unit."""
    return RUN.planner.unit_export_ledger(wildcards.artifact, wildcards.unit)


@in_words
def unit_export_fingerprint(wildcards):
    """Return the params of the rule that copies an artifact of one unit."""
    return RUN.planner.unit_export_fingerprint(wildcards.artifact, wildcards.unit)


def scaled_by_attempt(amount):
    """Return a resource that grows with every attempt, for jobs that a scheduler killed."""
    return lambda wildcards, attempt: amount * attempt


def limits(mem_mb, minutes, **others):
    """Return the resources of a rule; memory and time grow with every attempt."""
    return dict(
        mem_mb=scaled_by_attempt(mem_mb), runtime=scaled_by_attempt(minutes), **others
    )


include: "prune.smk"
