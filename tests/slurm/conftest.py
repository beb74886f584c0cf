"""A cluster for the tests, where there is a Slurm."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from slurm.cluster import Cluster, missing_programs, running_cluster

NEEDED = "UNMUTED_NEEDS_SLURM"


def require_slurm() -> None:
    """Skip where no Slurm is installed; fail where the environment says that there must be one."""
    if missing := missing_programs():
        message = f"no Slurm here: {', '.join(missing)} (Debian: slurm-wlm and munge)"
        if os.environ.get(NEEDED):
            pytest.fail(f"{message}, and {NEEDED} is set", pytrace=False)
        pytest.skip(message)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running Slurm."""
    require_slurm()
    with running_cluster() as cluster:
        yield cluster
