"""A Slurm of one node in a folder of its own, taken down with everything that runs in it.

python tests/slurm/cluster.py COMMAND... runs a command in such a cluster.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "videos"
PARTITION = "cpu"
GPU_PARTITION = "gpu"
GPU_TYPE = "tiny"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "srun")
SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")  # not on everybody's PATH
GPUS = ("/dev/null", "/dev/zero")  # files that exist everywhere; nobody opens them
MARK = "UNMUTED_TEST_CLUSTER"  # in the environment of all that belongs to a cluster
FIELD = re.compile(r"(?:^| )([\w:/]+)=")

# Memory is not that of the machine: the requests of the rules must fit, and are not used up.
# Without cgroups only the sampling of jobacct_gather can see, and kill, a job over its memory.
CONFIGURATION = """
ClusterName=unmuted
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
MinJobAge=86400
KillWait=5
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 Gres=gpu:{gpu_type}:{gpus}
PartitionName={partition} Nodes={host} MaxTime=INFINITE State=UP
PartitionName={gpu_partition} Nodes={host} MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Programs of Slurm and munge that are not installed here."""
    return [name for name in PROGRAMS if _program(name) is None]


@dataclass(frozen=True)
class Cluster:
    """A running cluster; `environment` makes Slurm's commands talk to it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
        path = os.pathsep.join((str(self.folder / "bin"), clean.get("PATH", os.defpath), *SBIN))
        own = {"PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf")}
        return clean | own | {MARK: str(self.folder)}

    def ask(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def jobs(self) -> dict[str, dict[str, str]]:
        """The scheduler's own record of every job since the start, by number."""
        lines = self.ask("scontrol", "--oneliner", "show", "job").splitlines()
        found = [_fields(line) for line in lines if line.startswith("JobId=")]
        return {job["JobId"]: job for job in sorted(found, key=lambda job: int(job["JobId"]))}

    def completed(self) -> dict[str, dict[str, str]]:
        """The job completion log, by number."""
        lines = (self.folder / "completed").read_text().splitlines()
        return {job["JobId"]: job for job in map(_fields, lines)}

    def log_of_node(self) -> str:
        return (self.folder / "slurmd.log").read_text()

    def is_idle(self) -> bool:
        with suppress(RuntimeError):
            return set(self.ask("sinfo", "--noheader", "--format=%T").split()) == {"idle"}
        return False

    def stop_jobs(self) -> None:
        """Cancel all jobs and wait until none is left."""
        with suppress(RuntimeError):
            self.ask("scancel", "--full", f"--user={getpass.getuser()}")
            wait_for(lambda: not self.ask("squeue", "--noheader"), "the jobs to end", 30)

    def processes(self) -> list[int]:
        """Every process that was started with the cluster's environment, or in one of its jobs."""
        mark = f"{MARK}={self.folder}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with suppress(OSError):
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found


def wait_for(condition: Callable[[], object], what: str, seconds: float) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.1)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start munge, a controller and a node; end them, and all of their jobs, in any case."""
    # A short path: that of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    cluster = Cluster(folder)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(_end_processes, cluster)
        _configure(folder)
        try:
            stack.enter_context(_daemon(cluster, "munged", *_munge_options(folder)))
            wait_for((folder / "munge.socket").exists, "munge", 30)
            stack.enter_context(_daemon(cluster, "slurmctld", "-D", "-c"))
            stack.enter_context(_daemon(cluster, "slurmd", "-D"))
            wait_for(cluster.is_idle, "the node", 60)
        except RuntimeError as error:
            logs = [f"{path}:\n{path.read_text()[-3000:]}" for path in folder.glob("*.log")]
            raise RuntimeError("\n".join([str(error), *logs])) from error
        stack.callback(cluster.stop_jobs)
        yield cluster


def _configure(folder: Path) -> None:
    folder.chmod(0o711)  # munge wants everybody to reach its socket
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    _wrap_srun(folder)
    host = socket.gethostname().split(".")[0]
    controller_port, node_port = _free_ports(2)
    text = CONFIGURATION.format(
        folder=folder,
        host=host,
        user=getpass.getuser(),
        controller_port=controller_port,
        node_port=node_port,
        cpus=max(4, os.cpu_count() or 1),
        gpus=len(GPUS),
        gpu_type=GPU_TYPE,
        partition=PARTITION,
        gpu_partition=GPU_PARTITION,
    )
    (folder / "slurm.conf").write_text(text)
    gpus = [f"NodeName={host} Name=gpu Type={GPU_TYPE} File={file}\n" for file in GPUS]
    (folder / "gres.conf").write_text("".join(gpus))


def _wrap_srun(folder: Path) -> None:
    """Jobs call srun without any SLURM_ variable: elsewhere the configuration lies in /etc."""
    srun = folder / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {_program("srun")} "$@"\n')
    srun.chmod(0o755)


def _munge_options(folder: Path) -> list[str]:
    files = {"key": "key", "pid": "pid", "log": "log", "seed": "seed"}
    options = [f"--{name}-file={folder}/munge.{suffix}" for name, suffix in files.items()]
    return ["--foreground", f"--socket={folder}/munge.socket", *options]


@contextmanager
def _daemon(cluster: Cluster, name: str, *options: str) -> Iterator[None]:
    """Run a daemon in the foreground of a session of its own, so that an interrupt spares it."""
    with open(cluster.folder / f"{name}.output.log", "wb") as log:
        process = subprocess.Popen(
            [_program(name), *options],
            env=cluster.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_processes(cluster: Cluster) -> None:
    """What outlived the daemons: steps of jobs that would not end."""
    for pid in cluster.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _program(name: str) -> str | None:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SBIN))
    return shutil.which(name, path=path)


def _fields(line: str) -> dict[str, str]:
    """`A=1 B=two words C=x=1,y=2` as a mapping."""
    parts = FIELD.split(line.strip())[1:]
    return {key: value.strip() for key, value in zip(parts[::2], parts[1::2], strict=True)}


def main(command: list[str]) -> int:
    if missing := missing_programs():
        sys.exit(f"not installed: {', '.join(missing)} (Debian: slurm-wlm and munge)")
    with running_cluster() as cluster:
        return subprocess.run(command, env=cluster.environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["bash"]))
