"""A job decodes the file that was planned, and nothing that happens to the machine is a finding."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest

from media.clips import write_clip_with_sound
from small_project import make_config
from unmuted.engine.job import make_jobs
from unmuted.engine.ledger import LedgerEntry
from unmuted.engine.run import Run
from unmuted.errors import MachineError
from unmuted.media import command, source
from unmuted.media.failures import DecoderFailure
from unmuted.media.ffmpeg import MediaError, binary
from unmuted.pipeline.registry import REGISTRY, open_run

SHARD = "00000-of-00001"
SCRIPTS = {
    "probe": "probe_videos",
    "frames": "extract_frames",
    "sequence_frames": "extract_sequence_frames",
    "timeline_frames": "extract_timeline_frames",
    "wav": "extract_wav",
}
OTHERS = tuple(stage for stage in SCRIPTS if stage != "probe")


@dataclass
class Project:
    """A folder with two clips; something happens to `first`."""

    folder: Path
    config: dict[str, object]
    jobs: Run | None = field(default=None)

    @property
    def first(self) -> Path:
        return self.folder / "videos" / "cats" / "first.mp4"

    def plan(self) -> None:
        """Plan a run; jobs work by this plan until the next."""
        open_run(self.config).record()
        self.jobs = Run.of_job(self.config, REGISTRY)

    def run(self, *stages: str) -> None:
        """Run the jobs of the stages."""
        assert self.jobs is not None
        for stage in stages:
            for job in make_jobs(self.jobs, SCRIPTS[stage], SHARD):
                import_module(SCRIPTS[stage]).main(job)

    def rows(self, stage: str) -> dict[str, LedgerEntry]:
        assert self.jobs is not None
        return self.jobs.store.rows(stage, SHARD)

    def artifacts(self) -> dict[str, bytes]:
        found = (path for path in Path("results").rglob("*") if path.name[0] != ".")
        return {
            str(path): path.read_bytes()
            for path in found
            if path.suffix in (".json", ".safetensors", ".wav")
        }


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip_with_sound(path, "sine=frequency=440:duration=1", seconds=1.0)


@pytest.fixture
def project(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    config = make_config(tmp_path, {"first": "cats", "second": "dogs"})
    for video_id, label in (("first", "cats"), ("second", "dogs")):
        shutil.copy(clip, tmp_path / "videos" / label / f"{video_id}.mp4")
    made = Project(tmp_path, config)
    made.plan()
    return made


# --- the decoder ----------------------------------------------------------------------------------

FAULTS = {
    "killed": "kill -9 $$",
    "killed in the middle": '"$REAL" "$@" | head -c 3000; kill -9 $$',
    "terminated": "kill -TERM $$",
    "terminated in good order": '"$REAL" "$@" | head -c 3000; exit 255',
    "no memory": '"$REAL" "$@"; echo "[error] Error opening: Cannot allocate memory" >&2; exit 244',
    "no threads": 'echo "[x @ 0x1] [error] pthread_create failed: Resource" >&2; exit 1',
    "little address space": 'ulimit -v 150000; "$REAL" "$@"',
    "crashed": "kill -SEGV $$",
    "not started": "exit 127",
    "no permission": 'echo "[in#0 @ 0x1] [error] Error opening input: Permission denied" >&2; '
    "exit 243",
    "lost disk": '"$REAL" "$@"; echo "[error] Error during demuxing: Stale file handle" >&2',
}


@pytest.fixture
def faulty(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets what becomes of the decoder of the first clip; an empty text: nothing."""
    path = project.folder / "ffmpeg"

    def set_fault(fault: str) -> None:
        lines = [
            "#!/bin/bash",
            f'REAL="{binary()}"',
            f'case "$*" in *first.mp4*) {fault or ":"} ; {"exit" if fault else ":"} ;; esac',
            'exec "$REAL" "$@"',
        ]
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o755)

    set_fault("")
    monkeypatch.setattr(command, "binary", lambda: str(path))
    return set_fault


@pytest.mark.parametrize("fault", FAULTS)
def test_a_decoder_that_was_stopped_fails_the_job_and_a_rerun_mends(
    project: Project, faulty: Callable[[str], None], fault: str
) -> None:
    faulty(FAULTS[fault])
    with pytest.raises(MachineError, match=r"first\.mp4") as failure:
        project.run("probe")
    assert "\n" not in str(failure.value) and "no finding about the video" in str(failure.value)
    faulty("")
    project.run("probe")
    for stage in OTHERS:
        faulty(FAULTS[fault])
        with pytest.raises(MachineError, match=r"first\.mp4"):
            project.run(stage)
        assert not Path("results", stage, f"{SHARD}.ledger.csv").exists()
        assert not list(Path("results", stage).rglob("first.*"))
        faulty("")
        project.run(stage)
    for stage in SCRIPTS:
        assert {row.status for row in project.rows(stage).values()} == {"ok"}


def test_a_video_that_crashes_every_decoder_is_left_out_after_so_many_jobs(
    project: Project, faulty: Callable[[str], None]
) -> None:
    project.run("probe")
    faulty(FAULTS["crashed"])
    for number in range(source.TRIES):
        with pytest.raises(MachineError, match=f"this was number {number + 1}$"):
            project.run("frames")
    project.run("frames")
    rows = project.rows("frames")
    assert rows["first"].status == "decoder_crash" and "SIGSEGV" in rows["first"].reason
    assert rows["second"].status == "ok"


@pytest.mark.parametrize("stage", OTHERS)
def test_videos_that_crash_every_decoder_take_no_more_jobs_than_one_of_them(
    project: Project, faulty: Callable[[str], None], clip: Path, stage: str
) -> None:
    """The others of the shard are made by the first job."""
    folder = project.first.parent
    for name in ("second", "third"):
        shutil.copy(clip, folder / f"first.mp4-{name}.mp4")
    project.plan()
    project.run("probe")
    faulty(FAULTS["crashed"])
    for number in range(source.TRIES):
        with pytest.raises(MachineError, match=r"first.*3 tasks of this job failed") as failure:
            project.run(stage)
        assert f"number {number + 1}" in str(failure.value) and "\n" not in str(failure.value)
        assert len(list(Path("results", stage).rglob("second.*"))) == 1
    project.run(stage)
    statuses = [row.status for row in project.rows(stage).values()]
    assert sorted(statuses) == ["decoder_crash"] * 3 + ["ok"]


def test_the_control_decodes_with_the_configured_limits(
    project: Project, faulty: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.config["media"] = {"sandbox": "never"}
    project.config["videos"]["max_megapixels"] = 2
    project.plan()
    project.run("probe")
    asked = []
    monkeypatch.setattr(source, "can_decode", lambda limits: asked.append(limits) or True)
    faulty(FAULTS["crashed"])
    for _ in range(source.TRIES):
        with pytest.raises(MachineError):
            project.run("frames")
    project.run("frames")
    assert [(limits.sandbox, limits.max_pixels) for limits in asked] == [("never", 2_000_000)]


def test_how_decoders_are_confined_is_no_reason_to_run(project: Project) -> None:
    for stage in SCRIPTS:
        fingerprints = []
        for sandbox in ("auto", "never"):
            config = project.config | {"media": {"sandbox": sandbox}}
            fingerprints.append(open_run(config).planner.job_fingerprint(stage, SHARD))
        assert fingerprints[0] == fingerprints[1]


def test_no_number_of_jobs_makes_a_finding_of_a_kill_or_of_a_machine_that_decodes_nothing(
    project: Project, faulty: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run("probe")
    monkeypatch.setattr(source, "can_decode", lambda limits: False)
    for fault in ("killed", "crashed", "no memory"):
        faulty(FAULTS[fault])
        for _ in range(source.TRIES + 2):
            with pytest.raises(MachineError):
                project.run("frames")


# --- the file -------------------------------------------------------------------------------------


def away(path: Path) -> None:
    path.rename(path.with_suffix(".away"))


def other_content(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def other_time(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def folder_away(path: Path) -> None:
    path.parent.rename(path.parent.with_name("unmounted"))


CHANGES = [away, other_content, other_time, folder_away]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("stage", SCRIPTS)
def test_another_file_than_was_planned_fails_the_job(
    project: Project, change: Callable[[Path], None], stage: str
) -> None:
    if stage != "probe":
        project.run("probe")
    change(project.first)
    with pytest.raises(MachineError, match=r"first\.mp4") as failure:
        project.run(stage)
    assert "\n" not in str(failure.value) and "un" in str(failure.value)
    assert not Path("results", stage, f"{SHARD}.ledger.csv").exists()


@pytest.mark.parametrize("change", [away, other_content, folder_away])
@pytest.mark.parametrize("stage", SCRIPTS)
def test_a_file_that_changes_while_it_is_decoded_fails_the_job(
    project: Project, change: Callable[[Path], None], stage: str, faulty: Callable[[str], None]
) -> None:
    if stage != "probe":
        project.run("probe")
    kept = project.folder / "kept.mp4"
    shutil.copy(project.first, kept)
    shown = {
        away: f'mv "{project.first}" "{project.first}.away"',
        other_content: f'echo more >> "{project.first}"',
        folder_away: f'mv "{project.first.parent}" "{project.folder}/unmounted"',
    }
    faulty(f'"$REAL" "${{@/#file:*first.mp4/file:{kept}}}"; {shown[change]}')
    with pytest.raises(MachineError, match=r"first\.mp4"):
        project.run(stage)
    assert not Path("results", stage, f"{SHARD}.ledger.csv").exists()


def test_nothing_finished_is_deleted_because_a_source_is_away(project: Project) -> None:
    project.run(*SCRIPTS)
    finished = project.artifacts()
    assert len(finished) == 2 * len(SCRIPTS)
    os.utime(project.first)
    project.plan()
    os.rename(project.first.parent, project.folder / "away")
    with pytest.raises(MachineError, match="finished results are kept"):
        project.run("probe")
    assert project.artifacts() == finished
    os.rename(project.folder / "away", project.first.parent)
    project.run(*SCRIPTS)
    assert project.artifacts() == finished


def test_a_link_to_nothing_is_a_row_unless_there_are_results_of_it(
    project: Project, clip: Path
) -> None:
    disk = project.folder / "videos" / "disk"
    disk.mkdir()
    project.first.unlink()
    project.first.symlink_to(disk / "first.bin")
    project.plan()
    project.run("probe")
    assert project.rows("probe")["first"].status == "missing"
    shutil.copy(clip, disk / "first.bin")
    project.plan()
    project.run(*SCRIPTS)
    finished = project.artifacts()
    (disk / "first.bin").unlink()
    project.plan()
    with pytest.raises(MachineError, match="there are results of it"):
        project.run("probe")
    assert project.artifacts() == finished


def test_a_file_that_came_after_the_plan_is_not_taken(project: Project, clip: Path) -> None:
    project.first.unlink()
    project.first.symlink_to("nothing.bin")
    project.plan()
    shutil.copy(clip, project.first.parent / "nothing.bin")
    with pytest.raises(MachineError, match="another than when the run was planned"):
        project.run("probe")


# --- the program ----------------------------------------------------------------------------------


def test_another_ffmpeg_makes_other_artifacts_and_a_job_refuses_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = REGISTRY.tools
    planner = project.jobs.planner
    before = {stage: planner.job_fingerprint(stage, SHARD) for stage in SCRIPTS}
    monkeypatch.setitem(registry, "ffmpeg", lambda: "n0.1")
    project.jobs = Run.of_job(project.config, REGISTRY)  # of the old plan, on another machine
    same = {stage: project.jobs.planner.job_fingerprint(stage, SHARD) for stage in SCRIPTS}
    assert same == before
    with pytest.raises(MachineError, match=r"has n0\.1.*same version"):
        project.run("probe")
    project.plan()
    after = {stage: project.jobs.planner.job_fingerprint(stage, SHARD) for stage in SCRIPTS}
    assert not set(after.values()) & set(before.values())


def test_a_decoder_that_twice_cannot_read_a_readable_file_says_something_of_it(
    tmp_path: Path,
) -> None:
    """A demuxer reports a truncated file as an error of input."""
    path, calls = tmp_path / "clip.webm", []

    def read(after: int) -> str:
        calls.append(after)
        if len(calls) <= after:
            raise DecoderFailure("Input/output error", "unreadable")
        return "read"

    with pytest.raises(DecoderFailure):  # the file is away
        source.read_again_if_lost(path, lambda _: read(9))
    path.write_bytes(b"content")
    calls.clear()
    assert source.read_again_if_lost(path, lambda _: read(1)) == "read" and len(calls) == 2
    calls.clear()
    with pytest.raises(MediaError, match="Input/output error") as found:
        source.read_again_if_lost(path, lambda _: read(9))
    assert found.value.status == "unreadable" and len(calls) == 2
