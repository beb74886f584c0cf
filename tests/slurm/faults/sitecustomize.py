"""Python loads this at its start where this folder is on PYTHONPATH: jobs that go wrong half-way.

FAULTS names a folder for notes and what the jobs of a stage do after two videos: "hang" (only the
first job that gets there) or "eat" more memory than was asked for (one shard, at every attempt).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

AFTER = 2  # videos
EATEN_MB = 2500  # more than a first attempt of extract_frames asks for, less than a second one
FAULTS = json.loads(os.environ.get("FAULTS", "{}"))
eaten: list[bytes] = []
finished: list[Path] = []


def is_chosen(note: Path, shard: str) -> tuple[bool, bool]:
    """Whether this is the shard that goes wrong, and the first time: the first to ask is chosen."""
    content = json.dumps({"shard": shard, "job": os.environ["SLURM_JOB_ID"]})
    temporary = note.with_suffix(f".{os.getpid()}")
    temporary.write_text(content, encoding="utf-8")
    try:
        os.link(temporary, note)
    except FileExistsError:
        return json.loads(note.read_text(encoding="utf-8"))["shard"] == shard, False
    finally:
        temporary.unlink()
    return True, True


def go_wrong(fault: str, note: Path, shard: str) -> None:
    here, first_time = is_chosen(note, shard)
    if here and fault == "eat" and not eaten:
        eaten.append(b"x" * (EATEN_MB << 20))
        if first_time:
            time.sleep(60)  # the scheduler looks once a second, and kills
    elif first_time and fault == "hang":
        os.kill(os.getpid(), signal.SIGSTOP)


def before_rename(target: Path) -> None:
    """An artifact is complete and about to get its name; those before it are in the journal."""
    stage, shard = target.parts[-3:-1]
    if stage in FAULTS and not target.name.startswith(".") and target.suffix != ".csv":
        note = Path(FAULTS["notes"]) / f"{stage}.json"
        if len(finished) == AFTER or note.exists():
            go_wrong(FAULTS[stage], note, shard)
        finished.append(target)


def watch(event: str, arguments: tuple) -> None:
    if event == "os.rename":
        target = Path(os.fsdecode(arguments[1]))
        if len(target.parts) >= 3:
            before_rename(target)


if FAULTS:
    sys.addaudithook(watch)
