"""Snakemake whose Slurm executor asks for its jobs every second.

No option says so: it waits ten seconds longer each time that none has ended, and the jobs of the
tests take ten seconds.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)

if __name__ == "__main__":
    sys.exit(main())
