# What the rules share: the project (configuration, videos, shards, recipes) and small helpers.
import re
import os
import sys
from pathlib import Path

import yaml
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


def partition_file():
    """Return the file of partitions that the Slurm executor chooses from, or None.

    It is passed on in the executor's environment variable: Snakemake gives the workflow no access to
    `slurm-partition-config` before jobs run, and looks for a relative path in --directory.
    """
    defaults = workflow.resource_settings.default_resources or {}
    if "slurm_account" not in defaults or "slurm_partition" in defaults:
        return None
    shipped = WORKFLOW.parent / "profiles" / "slurm" / "partitions.yaml"
    return Path(os.environ.setdefault("SNAKEMAKE_SLURM_PARTITIONS", str(shipped)))


def unfilled_profile_keys():
    """Return the placeholders that a cluster profile still leaves to its user."""
    settings = workflow.resource_settings
    given = [settings.default_resources or {}, *settings.overwrite_resources.values()]
    values = {str(resource.raw) for one in given for resource in one.values()}
    if partitions := partition_file():
        values |= set(yaml.safe_load(partitions.read_text())["partitions"])
    return sorted(value for value in values if value.startswith("YOUR_"))


if workflow.is_main_process and (unfilled := unfilled_profile_keys()):
    raise WorkflowError(
        f"The profile still has {', '.join(unfilled)}: write what your cluster has in their place, "
        f"in the profile's config.yaml and in {partition_file()}. "
        "SNAKEMAKE_SLURM_PARTITIONS may name another file of partitions."
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


def drop_gpu_models():
    """Remove the GPU model of the profile from rules that need no GPU.

    The Slurm executor takes the model alone for a request of one GPU.
    """
    for one in workflow.rules:
        if one.resources.get("gpu") in (None, 0):
            one.resources["gpu_model"] = None
