"""Notes on what jobs have made: their fingerprint, and size and digest of every output.

Snakemake keeps the params of its jobs in .snakemake/, which is lost where results/ is copied alone
or where somebody removes .snakemake/, and which it does not look at without the trigger `params`.
The notes lie in results/, next to what they speak of. A job whose note is missing, has another
fingerprint or other sizes has work to do.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from unmuted.digests import digest_bytes
from unmuted.engine.artifacts import atomic
from unmuted.files import NotAFile, read_bytes

NOTE = ".plan"


@dataclass(frozen=True)
class JobNote:
    """What a job left: its fingerprint, and of each output, by file name, size and digest."""

    fingerprint: str
    outputs: Mapping[str, tuple[int, str]]

    def is_of(self, fingerprint: str, folder: Path) -> bool:
        """Return whether the job had this fingerprint and its outputs still have their sizes.

        folder: where the outputs lie. Planning asks for every job: nothing is read.
        """
        return self.fingerprint == fingerprint and all(
            _size(folder / name) == size for name, (size, _) in self.outputs.items()
        )

    def has(self, output: Path) -> bool:
        """Return whether an output is the one that the job wrote, to the byte."""
        try:
            return self.outputs[output.name][1] == digest_bytes(read_bytes(output))
        except (KeyError, OSError, NotAFile):
            return False


def table_note(output: Path) -> Path:
    """Return where the note of a report or table lies."""
    return output.with_name(f".{output.name}{NOTE}")


def write_note(path: Path, fingerprint: str, outputs: Iterable[Path]) -> None:
    """Note what a job has made, last of all; outputs that are folders are left out."""
    files = {output.name: output.read_bytes() for output in outputs if output.is_file()}
    described = {name: [len(data), digest_bytes(data)] for name, data in files.items()}
    with atomic(path) as temporary:
        content = {"fingerprint": fingerprint, "outputs": described}
        temporary.write_text(json.dumps(content), encoding="utf-8")


def read_note(path: Path) -> JobNote | None:
    """Return a note; None where there is none, or a damaged one: the job is then run again."""
    try:
        content = json.loads(read_bytes(path))
        outputs = {
            str(name): (int(size), str(digest))
            for name, (size, digest) in content["outputs"].items()
        }
        return JobNote(str(content["fingerprint"]), outputs)
    except (OSError, NotAFile, ValueError, TypeError, KeyError, AttributeError):
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
