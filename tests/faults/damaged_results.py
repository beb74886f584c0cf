"""Files of results/ that were damaged between two runs: repaired or named, and never passed on.

The next run may have nothing to do with the damaged file. Then `make verify` names it, and the run
after that repairs it. What a run writes is what it would have written without the damage.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from faults.campaign import Outcome
from faults.checks import (
    Content,
    contents,
    differences,
    left_over,
    tracebacks,
    without_rows_of_strangers,
)
from faults.damages import ANY, OF_TABLES, PLANTED, SECRET, Damage
from faults.worlds import SETTINGS, Done, World, Worlds

SECONDS = 60.0  # a run that takes longer waits for something that never comes
FILES = {
    "an artifact": "*/*/*.safetensors",
    "an artifact of JSON": "centred/*/*.json",
    "a ledger": "*/*.ledger.csv",
    "a journal": "*/*/.journal.csv",
    "a note of a job": "*/*/.[!jl]*",
    "a lock": "*/*/.lock",
    "the kept splits": ".splits-*.csv",
    "the splits": "splits.csv",
    "a report": "summary.json",
    "the run record": ".videos.jsonl",
    "the identity of the dataset": ".source.json",
}
ROUNDS = 3  # of verifying, following the messages and running again
NOTE = "a damage note"  # is not there before
ASKS_TO_REMOVE = re.compile("[Dd]elete|[Mm]ove it away")
TABLES = ("a ledger", "a journal", "the kept splits", "the splits")
# What changes together with the damage: nothing, a setting of the last stage, of an early one.
CHANGES = ("usual", "late", "other")

KINDS: list[tuple[str, Damage]] = [
    *product(FILES, ANY),
    *product(TABLES, OF_TABLES),
    *product([NOTE], PLANTED),
]
VERIFY = """import sys
from pathlib import Path
from registry import REGISTRY
from unmuted.engine.verification import verify
sys.exit(1 if verify(REGISTRY, Path("results")) else 0)
"""


class Damages:
    """The trials: kinds of damage in a seeded order, none twice before all were had."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds

    def attempt(self, number: int, seed: str, folder: Path) -> Outcome:
        """Damage a file of a finished run, run again, verify and run again, and compare."""
        order = random.Random(seed.partition(":")[0]).sample(KINDS, len(KINDS))
        kind, damage = order[number % len(order)]
        rng = random.Random(seed)
        change = rng.choice(CHANGES)
        reference = self._worlds.built("toy", change)
        world = self._worlds.built("toy").world.copy(folder)
        world.corpus.change_config(**SETTINGS["toy"][change])
        path = _choose(world.results, kind, rng)
        whole = contents(world.results)
        damage(path, rng)
        trial = _Trial(world, path, whole, contents(world.results), reference.contents)
        note = trial.run()
        label = f"{kind}, {damage.__name__.replace('_', ' ')}: {path.relative_to(world.results)}"
        return Outcome(f"{label} (settings: {change})", trial.problems, [note])


class _Trial:
    """What happens to a world with a damaged file.

    whole, damaged: its results before and after the damage. expected: those of the undisturbed run.
    """

    def __init__(
        self,
        world: World,
        path: Path,
        whole: Mapping[str, Content],
        damaged: Mapping[str, Content],
        expected: Mapping[str, Content],
    ) -> None:
        self._world, self._path = world, path
        self._whole, self._damaged, self._expected = whole, damaged, expected
        self._foreign = self._foreign_files()
        self.problems: list[str] = []

    def run(self) -> str:
        """Run until all is repaired; returns what it took."""
        done = self._run_once()
        self._check_written(done)
        how = "repaired by the next run, or harmless"
        for _ in range(ROUNDS):
            if self._is_repaired(done):
                break
            how = self._follow(done)
            done = self._run_once()
        if self._is_repaired(done):
            self.problems += left_over(self._world.results, self._world.temporary)
        else:
            how = "not repaired"
            unlike = self._differences(self._expected)
            self.problems.append(f"not repaired: {len(unlike)} files, {unlike[:1]}; {done.message}")
        if self._foreign_files() != self._foreign:
            self.problems.append("a file outside of results/ was written through a link")
        return how

    def _follow(self, done: Done) -> str:
        """Run `make verify`, and remove the damaged file if a message asks for it."""
        verified = _verify(self._world)
        self._check_output(verified)
        told = Done(done.code, done.output + verified.output)
        if ASKS_TO_REMOVE.search(told.output) and self._is_named(told):
            _remove(self._path)
            return "named, and repaired after it was removed as the message says"
        return "repaired by the run after `make verify`"

    def _run_once(self) -> Done:
        done = self._world.run(seconds=SECONDS)
        self._check_output(done)
        if done.code != 0 and not self._is_named(done):
            self.problems.append(f"a run failed without naming the file: {done.message}")
        return done

    def _is_repaired(self, done: Done) -> bool:
        """Whether all is as in an undisturbed run, but for a hidden file that was to be removed."""
        expected, name = dict(self._expected), str(self._path.relative_to(self._world.results))
        if name.startswith(".") and not self._path.exists():
            expected.pop(name, None)
        return done.code == 0 and not self._differences(expected)

    def _differences(self, expected: Mapping[str, Content]) -> list[str]:
        found = without_rows_of_strangers(contents(self._world.results), self._expected)
        return differences(found, expected)

    def _is_named(self, done: Done) -> bool:
        """Whether a message names the damaged file, or any of two that were exchanged."""
        names = self._harmed | {str(self._path.relative_to(self._world.results))}
        return any(name in done.output for name in names)

    def _check_output(self, done: Done) -> None:
        self.problems += [f"{one}: {done.message}" for one in tracebacks(done.output)]
        if SECRET in done.output:
            self.problems.append("a message prints the content of a foreign file")

    def _check_written(self, first: Done) -> None:
        """Complain of whatever the first run wrote that is not as expected; the old may stay."""
        for name, content in contents(self._world.results).items():
            versions = [one.get(name) for one in (self._damaged, self._whole, self._expected)]
            may_be_old = first.code != 0 or name in self._harmed
            allowed = versions if may_be_old else versions[2:]
            if content not in allowed and not (may_be_old and _is_mixture(content, versions)):
                self.problems.append(f"the next run (exit {first.code}) left other bytes: {name}")

    @property
    def _harmed(self) -> set[str]:
        names = self._damaged.keys() | self._whole.keys()
        return {name for name in names if self._damaged.get(name) != self._whole.get(name)}

    def _foreign_files(self) -> dict[str, bytes]:
        folder = self._world.folder / "elsewhere"
        return {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}


def _choose(results: Path, kind: str, rng: random.Random) -> Path:
    if kind == NOTE:
        return rng.choice(sorted(results.glob("*/*/.lock"))).with_name(".damage")
    return rng.choice(sorted(results.glob(FILES[kind])))


def _is_mixture(content: Content, versions: Sequence[Content | None]) -> bool:
    """Whether a table has nothing but rows of its versions: a journal grows by single rows."""
    tables = [version for version in versions if isinstance(version, list)]
    known = [row for version in tables for row in version]
    return isinstance(content, list) and all(
        row in known or row.get("status") == "unfinished" for row in content
    )


def _verify(world: World) -> Done:
    """What `make verify` says, of the stages of the toy."""
    done = subprocess.run(
        [sys.executable, "-c", VERIFY],
        cwd=world.folder,
        env=world.environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return Done(done.returncode, done.stdout + done.stderr)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
