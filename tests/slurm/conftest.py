"""A cluster, and the runs of the corpus that the tests ask about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slurm.cluster import Cluster, missing_programs, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running Slurm; skips where none is installed."""
    if missing := missing_programs():
        pytest.skip(f"no Slurm here: {', '.join(missing)} (Debian: slurm-wlm and munge)")
    with running_cluster() as cluster:
        yield cluster
