# The keys of a cluster profile that its user fills in, and the partitions of its jobs.
import os
from pathlib import Path

import yaml

from snakemake.exceptions import WorkflowError

PARTITIONS = (
    Path(str(workflow.current_basedir)).parents[1]
    / "profiles"
    / "slurm"
    / "partitions.yaml"
)


def partition_file():
    """Return the file of partitions that the Slurm executor chooses from, or None.

    It is passed on in the executor's environment variable: Snakemake gives the workflow no access to
    `slurm-partition-config` before jobs run, and looks for a relative path in --directory.
    """
    defaults = workflow.resource_settings.default_resources or {}
    if "slurm_account" not in defaults or "slurm_partition" in defaults:
        return None
    return Path(os.environ.setdefault("SNAKEMAKE_SLURM_PARTITIONS", str(PARTITIONS)))


def unfilled_profile_keys():
    """Return the placeholders that a cluster profile still leaves to its user."""
    settings = workflow.resource_settings
    given = [settings.default_resources or {}, *settings.overwrite_resources.values()]
    values = {
        str(resource.raw) for resources in given for resource in resources.values()
    }
    if partitions := partition_file():
        values |= set(yaml.safe_load(partitions.read_text())["partitions"])
    return sorted(value for value in values if value.startswith("YOUR_"))


if workflow.is_main_process and (unfilled := unfilled_profile_keys()):
    raise WorkflowError(
        f"The profile still has {', '.join(unfilled)}: write what your cluster has in their place, "
        f"in the profile's config.yaml and in {partition_file()}. "
        "SNAKEMAKE_SLURM_PARTITIONS may name another file of partitions."
    )


def drop_gpu_models():
    """Remove the GPU model of the profile from rules that need no GPU.

    The Slurm executor takes the model alone for a request of one GPU.
    """
    for each in workflow.rules:
        if each.resources.get("gpu") in (None, 0):
            each.resources["gpu_model"] = None
