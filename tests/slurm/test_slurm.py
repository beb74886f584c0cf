"""The cluster profile on a real Slurm, by the scheduler's own records.

One run of the demo's main job, with few clips and epochs, in which one
job is cancelled, one hangs until its time is up and one needs more memory than its first attempt
asks for; the tests ask what became of each.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipeline.test_rules import ON_GPU
from runs.corpus import FITTED, MADE, METRICS, PER_CLIP, REPOSITORY, Corpus, contents
from slurm.cluster import ACCOUNT, GPU_PARTITION, GPU_TYPE, PARTITION, Cluster
from slurm.faults.sitecustomize import AFTER
from small_project import FOUND_STAGES

pytestmark = pytest.mark.slurm
PROFILE = REPOSITORY / "profiles" / "slurm"
FAULTS = Path(__file__).parent / "faults"
SNAKEMAKE = Path(__file__).parent / "impatient.py"
FILLED_IN = {
    "config.yaml": {"YOUR_ACCOUNT": ACCOUNT},
    "partitions.yaml": {"YOUR_PARTITION": PARTITION, "YOUR_GPU_PARTITION": GPU_PARTITION},
}
NO_GPU_TYPE = 'gpu_model: ""'
NO_ACCOUNTING = ("--slurm-status-command", "squeue")  # this cluster has no such database
LOCAL_RULES = {"list_videos", "make_splits"}
ON_CLUSTER = (METRICS,)
SUBMITTED = {"extract_vit", "extract_ast", "caption_frames", "train_generator", "write_report"}
# No scenarios, which are all fits once more: each job costs ten seconds.
FEWER_JOBS = {"missing": {"training_rates": [0]}}
LONGEST_RUN = 1800  # seconds, on a busy machine


@dataclass(frozen=True)
class Fault:
    """Jobs that Slurm kills: what one does half-way, and how the completion log calls its end."""

    stage: str
    behaviour: str
    state: str


CANCELLED = Fault("vit_rgb", "hang", "CANCELLED")
OUT_OF_TIME = Fault("captions", "hang", "TIMEOUT")
OUT_OF_MEMORY = Fault("frames", "eat", "FAILED")  # the job ends with its step, which was killed
KILLED = (CANCELLED, OUT_OF_TIME, OUT_OF_MEMORY)


@dataclass(frozen=True)
class Request:
    """What a job asks Slurm for; as a rule, and as Slurm recorded it."""

    memory_mb: int
    minutes: int
    cpus: int
    gpus: int
    gpu_type: str = ""


@dataclass
class ClusterRun:
    """A run on the cluster, and the killed jobs: number, request, finished videos at that time.

    jobs: the scheduler's record of each of its jobs, by number.
    """

    cluster: Cluster
    corpus: Corpus
    jobs: dict[str, dict[str, str]] = field(default_factory=dict)
    killed: dict[Fault, str] = field(default_factory=dict)
    requested: dict[str, Request] = field(default_factory=dict)
    finished: dict[Fault, dict[Path, int]] = field(default_factory=dict)

    def attempts(self) -> dict[str, list[str]]:
        """Numbers of the attempts at each job, in order."""
        found = defaultdict(list)
        for job in self.jobs.values():
            found[job["Comment"]].append(job["JobId"])
        return dict(found)

    def request(self, job: str) -> Request:
        """What was asked; recorded before the time limit of a running job was moved."""
        return self.requested.get(job) or request(self.jobs[job])

    def first_requests(self) -> dict[str, Request]:
        """What the first attempt at each job asked for."""
        return {name: self.request(jobs[0]) for name, jobs in self.attempts().items()}

    def kill(self, fault: Fault, shard: str, job: str) -> None:
        self.killed[fault] = job
        self.requested[job] = request(self.cluster.jobs()[job])
        self.finished[fault] = artifacts(self.corpus.results / fault.stage / shard)
        if fault is CANCELLED:
            self.cluster.ask("scancel", job)
        elif fault is OUT_OF_TIME:
            # Not plain `now`: Slurm refuses a time that has passed when the request arrives.
            self.cluster.ask("scontrol", "update", f"JobId={job}", "EndTime=now+5seconds")


def request(record: dict[str, str]) -> Request:
    """From the scheduler's record of a job."""
    amounts = dict(item.split("=") for item in record["TRES"].split(","))
    number, unit = re.fullmatch(r"([\d.]+)([MG])", amounts["mem"]).groups()
    days, _, clock = record["TimeLimit"].rpartition("-")
    hours, minutes, _ = map(int, clock.split(":"))
    gpus = re.fullmatch(r"(?:gres:gpu:(?:(\w+):)?(\d+))?", record.get("TresPerJob", ""))
    return Request(
        memory_mb=round(float(number) * {"M": 1, "G": 1024}[unit]),
        minutes=(24 * int(days or 0) + hours) * 60 + minutes,
        cpus=int(amounts["cpu"]),
        gpus=int(gpus[2] or 0),
        gpu_type=gpus[1] or "",
    )


def planned(corpus: Corpus) -> dict[str, Request]:
    """The first request of every job that is not local, by the name that Slurm is given."""
    found = {}
    for block in re.split(r"\n(?=rule )", corpus.run("-n", *ON_CLUSTER).stdout):
        rule = re.match(r"rule (\w+):", block)
        if rule and rule[1] not in LOCAL_RULES:
            values = "_".join(value for _, value in listed(block, "wildcards"))
            name = f"rule_{rule[1]}_wildcards_{values}" if values else f"rule_{rule[1]}"
            amounts = dict(listed(block, "resources"))
            threads = re.search(r"^ +threads: (\d+)$", block, re.MULTILINE)
            found[name.replace("/", "_")] = Request(
                memory_mb=int(amounts["mem_mb"]),
                minutes=int(amounts["runtime"]),
                cpus=int(threads[1]) if threads else 1,
                gpus=int(amounts.get("gpu", 0)),
            )
    return found


def rule_of(job: str) -> str:
    """The rule of a job, by the name that Slurm is given."""
    return job.removeprefix("rule_").partition("_wildcards_")[0]


def listed(block: str, kind: str) -> list[tuple[str, str]]:
    line = re.search(rf"^ +{kind}: (.*)$", block, re.MULTILINE)
    pairs = [pair.partition("=") for pair in line[1].split(", ")] if line else []
    return [(name, value) for name, _, value in pairs]


def artifacts(folder: Path) -> dict[Path, int]:
    """Time of writing of every finished artifact of a shard."""
    files = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return {path: path.stat().st_mtime_ns for path in files}


def command(corpus: Corpus, profile: Path, *arguments: str) -> list[str]:
    options = ["--profile", str(profile), "--directory", str(corpus.folder), *NO_ACCOUNTING]
    config = ["--configfile", str(corpus.folder / "config.yaml")]
    return [sys.executable, str(SNAKEMAKE), *options, *arguments, *config]


def environment_of(run: ClusterRun, profile: Path) -> dict[str, str]:
    """Return the environment of a run with a profile that is not the one of the repository."""
    partitions = {"SNAKEMAKE_SLURM_PARTITIONS": str(profile / "partitions.yaml")}
    return run.cluster.environment | partitions


def run_with_faults(run: ClusterRun, profile: Path, notes: Path) -> None:
    """Run Snakemake, and kill each job that hangs as soon as it does."""
    behaviour = {fault.stage: fault.behaviour for fault in KILLED}
    faults = json.dumps(behaviour | {"notes": str(notes)})
    environment = environment_of(run, profile) | {"FAULTS": faults, "PYTHONPATH": str(FAULTS)}
    with open(run.corpus.folder / "run.log", "w") as log:
        process = subprocess.Popen(
            command(run.corpus, profile, *ON_CLUSTER),
            cwd=REPOSITORY,
            env=environment,
            stdout=log,
            stderr=log,
        )
        deadline = time.monotonic() + LONGEST_RUN
        try:
            while process.poll() is None and time.monotonic() < deadline:
                for fault in KILLED:
                    note = notes / f"{fault.stage}.json"
                    if fault not in run.killed and note.exists():
                        run.kill(fault, **json.loads(note.read_text()))
                time.sleep(0.05)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0, (run.corpus.folder / "run.log").read_text()
    run.jobs = run.cluster.jobs()


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile as it is shipped, with what has to be filled in: no type of GPU."""
    folder = tmp_path_factory.mktemp("slurm") / "profile"
    shutil.copytree(PROFILE, folder)
    for name, gaps in FILLED_IN.items():
        text = (folder / name).read_text()
        for gap, value in gaps.items():
            assert len(re.findall(rf"\b{gap}\b", text)) == 1
            text = re.sub(rf"\b{gap}\b", value, text)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def demo(small: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The small demo before anything has run, with as few jobs as show everything."""
    corpus = small.copy(tmp_path_factory.mktemp("demo") / "unbuilt")
    corpus.change_config(**FEWER_JOBS)
    return corpus


@pytest.fixture(scope="module")
def on_slurm(
    cluster: Cluster, demo: Corpus, profile: Path, tmp_path_factory: pytest.TempPathFactory
) -> ClusterRun:
    """The demo, computed on the cluster with the threads of a local run; not to be changed."""
    run = ClusterRun(cluster, demo.copy(demo.folder.parent / "on_slurm"))
    run_with_faults(run, profile, tmp_path_factory.mktemp("notes"))
    return run


def test_slurm_was_asked_for_what_each_rule_needs(
    on_slurm: ClusterRun, demo: Corpus, copy_of: Callable[[Corpus], Corpus]
) -> None:
    """Memory, time, cores and GPUs of the first attempt at every job but the local ones.

    The profile has every seed in a job of its own.
    """
    corpus = copy_of(demo)
    corpus.change_config(seeds_per_job=1)
    assert on_slurm.first_requests() == planned(corpus)


def test_the_rules_that_asked_for_a_gpu_are_those_that_can_use_one(on_slurm: ClusterRun) -> None:
    asked = on_slurm.first_requests()
    gpus = {rule_of(job): one.gpus for job, one in asked.items()}
    assert gpus.keys() >= SUBMITTED
    assert gpus == {rule: int(rule in ON_GPU) for rule in gpus}


def test_gpu_rules_run_where_the_gpus_are(on_slurm: ClusterRun) -> None:
    log = on_slurm.cluster.completed()
    for number in on_slurm.jobs:
        partition = GPU_PARTITION if on_slurm.request(number).gpus else PARTITION
        assert (log[number]["Partition"], log[number]["Account"]) == (partition, ACCOUNT)


def test_a_type_of_gpu_is_asked_for_where_the_profile_names_one(
    on_slurm: ClusterRun, profile: Path, tmp_path: Path, copy_of: Callable[[Corpus], Corpus]
) -> None:
    typed = tmp_path / "profile"
    shutil.copytree(profile, typed)
    text = (typed / "config.yaml").read_text()
    assert text.count(NO_GPU_TYPE) == 1
    (typed / "config.yaml").write_text(text.replace(NO_GPU_TYPE, f"gpu_model: {GPU_TYPE}"))
    corpus = copy_of(on_slurm.corpus)
    (ledger,) = (corpus.results / "ast").glob("*.ledger.csv")
    ledger.unlink()
    before = on_slurm.cluster.jobs()
    done = subprocess.run(
        command(corpus, typed, f"results/ast/{ledger.name}"),
        cwd=REPOSITORY,
        env=environment_of(on_slurm, typed),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (job,) = (job for number, job in on_slurm.cluster.jobs().items() if number not in before)
    assert on_slurm.cluster.completed()[job["JobId"]]["JobState"] == "COMPLETED"
    untyped = on_slurm.first_requests()[job["Comment"]]
    assert request(job) == replace(untyped, gpu_type=GPU_TYPE)


@pytest.mark.parametrize("fault", KILLED, ids=lambda fault: fault.stage)
def test_a_killed_job_is_submitted_again_with_more(on_slurm: ClusterRun, fault: Fault) -> None:
    log, killed = on_slurm.cluster.completed(), on_slurm.killed[fault]
    (jobs,) = (jobs for jobs in on_slurm.attempts().values() if killed in jobs)
    assert jobs[0] == killed
    assert [log[job]["JobState"] for job in jobs] == [fault.state, "COMPLETED"]
    asked, again = (on_slurm.request(job) for job in jobs)
    more = {"memory_mb": 2 * asked.memory_mb, "minutes": 2 * asked.minutes}
    assert again == replace(asked, **more)


def test_the_job_over_its_memory_was_killed_by_slurm(on_slurm: ClusterRun) -> None:
    job = on_slurm.killed[OUT_OF_MEMORY]
    assert f"StepId={job}.0 exceeded memory limit" in on_slurm.cluster.log_of_node()
    assert on_slurm.cluster.completed()[job]["DerivedExitCode"] == "0:9"


def test_no_other_job_was_submitted_twice(on_slurm: ClusterRun) -> None:
    log = on_slurm.cluster.completed()
    for jobs in on_slurm.attempts().values():
        if not set(jobs) & set(on_slurm.killed.values()):
            assert [log[job]["JobState"] for job in jobs] == ["COMPLETED"]


@pytest.mark.parametrize("fault", KILLED, ids=lambda fault: fault.stage)
def test_no_finished_video_is_computed_again(on_slurm: ClusterRun, fault: Fault) -> None:
    finished = on_slurm.finished[fault]
    assert len(finished) == AFTER
    now = artifacts(next(iter(finished)).parent)
    assert len(now) > AFTER
    assert {path: now[path] for path in finished} == finished


def test_results_are_those_of_a_local_run(on_slurm: ClusterRun, built: Corpus) -> None:
    """Built here with all seeds in one job, there with a job for each."""
    there = contents(on_slurm.corpus.artifacts(*FOUND_STAGES))
    stages = {name.split("/")[0] for name in there}
    assert stages >= {*PER_CLIP, *FITTED, *MADE}
    assert there == contents(built.artifacts(*stages))
    assert report(on_slurm.corpus.folder / METRICS) == report(built.folder / METRICS)


def report(path: Path) -> object:
    """What a report says, apart from the digest of its configuration."""
    found = json.loads(path.read_text())
    del found["provenance"]["config_sha256"]
    return found


def test_a_second_run_submits_nothing(on_slurm: ClusterRun, profile: Path) -> None:
    before = on_slurm.cluster.jobs().keys()
    done = subprocess.run(
        command(on_slurm.corpus, profile, *ON_CLUSTER),
        cwd=REPOSITORY,
        env=environment_of(on_slurm, profile),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "Nothing to be done" in done.stderr, done.stderr
    assert on_slurm.cluster.jobs().keys() == before
