"""A stage whose artifacts say what they were made from, for tests of the executor alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from unmuted.dataset.videos import Video
from unmuted.engine.executor import Artifact, Result, Task, run_tasks
from unmuted.engine.ledger import LedgerEntry, read_rows

SUFFIX = ".json"


class Stage:
    """A stage in a temporary folder that counts what it computes and can be told to die."""

    def __init__(self, root: Path, shard: str = "00000-of-00001") -> None:
        self.folder, self.ledger = root / shard, root / f"{shard}.ledger.csv"
        self.computed: list[str] = []

    def run(
        self,
        *tasks: Task,
        die_at: str | None = None,
        keep_others: bool = False,
        **contents: object,
    ) -> dict[str, LedgerEntry]:
        """Run `tasks`; contents: of artifacts by name, where it is not the fingerprint."""

        def compute(todo: Sequence[Task]) -> Iterator[Result]:
            for task in todo:
                if task.name == die_at:
                    raise KeyboardInterrupt
                self.computed.append(task.name)
                yield Result(task.name, {"made": contents.get(task.name, task.fingerprint)})

        self.computed.clear()
        return run_tasks(self.folder, self.ledger, SUFFIX, tasks, compute, keep_others=keep_others)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name[0] != ".")

    def path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"

    def artifact(self, name: str) -> Artifact:
        return Artifact(self.path(name), read_rows(self.ledger)[name])


def video(name: str) -> Video:
    return Video(name, Path(f"{name}.mp4"), None, None, name)


def tasks(names: str, fingerprint: str = "r1") -> list[Task]:
    return [Task(name, fingerprint, video=video(name)) for name in names]


BLOCK = LedgerEntry("x", "no_video_stream", "only sound", "theirs", "", 0, 3.0)
