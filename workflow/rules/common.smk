# What the rules share: the project (configuration, videos, shards, recipes) and small helpers.
import re
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

WORKFLOW = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(WORKFLOW / "scripts"))

from unmuted.errors import UserError
from unmuted.locks import claim_lock, release_stale_lock
from unmuted.project import Project
from unmuted.stages import BY_VIDEO
from unmuted.variants import PATTERN

ENVIRONMENT = WORKFLOW.parent / "envs" / "unmuted.yaml"

# Jobs share cores: waiting threads of one must sleep, not spin (30 times the CPU time otherwise).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# `workflow.dryrun` is not known yet while rules are read.
DRY_RUN = workflow.output_settings.dryrun

try:
    # What was checked when the run was planned is not checked again by each of its cluster jobs.
    PROJECT = Project(config) if workflow.is_main_process else Project.of_job(config)
    if workflow.is_main_process:
        PROJECT.check()
    if DRY_RUN:
        PROJECT.check_source()
except UserError as error:
    raise WorkflowError(str(error)) from None


def placeholders():
    """Resources that a cluster profile still leaves to its user."""
    settings = workflow.resource_settings
    given = [settings.default_resources or {}, *settings.overwrite_resources.values()]
    values = {str(resource.raw) for one in given for resource in one.values()}
    return sorted(value for value in values if value.startswith("YOUR_"))


if workflow.is_main_process and placeholders():
    raise WorkflowError(
        f"The profile's config.yaml still has {', '.join(placeholders())}: "
        "write what your cluster has in their place."
    )

if workflow.is_main_process and not DRY_RUN:
    release_stale_lock()


def begin():
    """Before the first job: own the lock and results/, and have the models of all jobs at hand.

    Jobs may be offline.
    """
    claim_lock()
    try:
        PROJECT.note_source()
        PROJECT.require_models({job.rule.name for job in workflow.dag.needrun_jobs()})
    except UserError as error:
        raise WorkflowError(str(error)) from None


def reads(stage):
    """Input of a stage's rule: all that the stage table says it reads."""
    return lambda wildcards: variant_of(wildcards).needs(stage, wildcards.get("shard"))


def visit(stage):
    """Params of a stage's rule: changes when a visit may find work to do."""
    return lambda wildcards: variant_of(wildcards).visit_recipe(
        stage, wildcards.get("shard")
    )


def variant_of(wildcards):
    """The run with the settings of the variant that the output's path names."""
    return PROJECT.variant(wildcards.get("variant", ""))


def every_shard(*stages):
    """Ledgers of these stages for every shard; found out where they are asked for."""
    return lambda wildcards: [
        str(PROJECT.ledger(stage, shard))
        for stage in stages
        for shard in PROJECT.shards
    ]


def growing(amount):
    """A resource that grows with every attempt, for jobs that a scheduler killed."""
    return lambda wildcards, attempt: amount * attempt
