"""Configuration files, before anything loads them.

To Snakemake a configuration may be a program: a file with the key `__use_yte__` is executed while
it is read, before the Snakefile. And a file of a few lines can stand for more values than a memory
holds, by aliases of aliases. `profiles/default/config.yaml` calls `guard_command_line` before
Snakemake opens a file, and the Snakefile calls `check_config_file` for runs without that profile.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from unmuted.config.fields import LONGEST_TEXT
from unmuted.config.validation import DEEPEST, MOST_VALUES
from unmuted.errors import UserError
from unmuted.text import one_line, printable

LARGEST_FILE = 131_072  # bytes; PyYAML reads so many in two seconds
PROGRAM = ("__use_yte__", "__definitions__", "__variables__")
OPTION = "--configf"  # --configfile, --configfiles, and what argparse takes for them
# Written in Python as Snakemake's is: one in C could disagree with it about what a file says.
_Loader = yaml.SafeLoader


@dataclass
class _Collection:
    """A mapping or list that is being read: its values so far, those of aliases included."""

    anchor: str | None
    is_mapping: bool
    values: int = 1
    children: int = 0
    keys: set[str] = field(default_factory=set)


def guard_command_line(arguments: Sequence[str] | None = None) -> None:
    """Check the configuration files that a command line of Snakemake names; exit if one is refused.

    arguments: those of this process, unless given.
    """
    try:
        for path in files_of(sys.argv[1:] if arguments is None else arguments):
            check_config_file(path)
    except UserError as error:
        sys.exit(f"error: {error}")


def files_of(arguments: Sequence[str]) -> Iterator[Path]:
    """Yield the configuration files that a command line names."""
    takes_files = False
    for argument in arguments:
        if argument.startswith("-"):
            option, _, value = argument.partition("=")
            takes_files = option.startswith(OPTION)
            if takes_files and value:
                yield Path(value)
        elif takes_files:
            yield Path(argument)


def check_config_file(path: Path) -> None:
    """Raise UserError for a file that must not be loaded.

    That is one that is a program, that is too large or stands for too many values, that contains
    itself, or that says a key twice. A file that is not there, or no YAML, is left to Snakemake.
    """
    where = printable(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError:
        return
    if len(content) > LARGEST_FILE:
        raise UserError(
            f"{where}: found more than {LARGEST_FILE:,} bytes, expected a configuration of less"
        )
    try:
        _check_events(content.decode("utf-8"), where)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: found bytes that are not UTF-8 ({error}); save it as UTF-8"
        ) from error
    except yaml.YAMLError:
        return


def _check_events(text: str, where: str) -> None:
    """Raise UserError for what the events of a YAML file say, without building its values."""
    sizes: dict[str, int] = {}
    open_: list[_Collection] = []
    for event in yaml.parse(text, Loader=_Loader):
        line = f"{where}, line {event.start_mark.line + 1 if event.start_mark else '?'}"
        if isinstance(event, yaml.CollectionEndEvent):
            done = open_.pop()
            if done.anchor:
                sizes[done.anchor] = done.values
            _count(open_, done.values, line)
            continue
        if isinstance(event, yaml.NodeEvent):
            _check_key(event, open_, line)
        if isinstance(event, yaml.CollectionStartEvent):
            sizes.pop(event.anchor or "", None)
            open_.append(_Collection(event.anchor, isinstance(event, yaml.MappingStartEvent)))
            if len(open_) > DEEPEST:
                raise UserError(f"{line}: nested more than {DEEPEST} levels deep")
        elif isinstance(event, yaml.AliasEvent):
            if any(collection.anchor == event.anchor for collection in open_):
                raise UserError(f"{line}: *{event.anchor} contains itself")
            _count(open_, sizes.get(event.anchor or "", 1), line)
        elif isinstance(event, yaml.ScalarEvent):
            _check_scalar(event, line)
            _count(open_, 1, line)


def _count(open_: list[_Collection], values: int, line: str) -> None:
    """Add the values of a node to the collection that it is in."""
    if open_:
        open_[-1].values += values
        open_[-1].children += 1
        if open_[-1].values > MOST_VALUES:
            raise UserError(
                f"{line}: found more than {MOST_VALUES:,} values, those of aliases included; "
                "expected fewer"
            )


def _check_key(event: yaml.NodeEvent, open_: list[_Collection], line: str) -> None:
    """Raise UserError for a key that makes the file a program, or that was there before."""
    is_key = bool(open_) and open_[-1].is_mapping and open_[-1].children % 2 == 0
    if not is_key or not isinstance(event, yaml.ScalarEvent):
        return
    key = event.value
    if key in PROGRAM:
        raise UserError(
            f"{line}: found the key {key}, with which Snakemake executes a configuration as a "
            "program; expected values alone, so remove it"
        )
    if key in open_[-1].keys and key != "<<":
        raise UserError(f"{line}: found the key {one_line(key, 60)} twice; remove one of them")
    open_[-1].keys.add(key)


def _check_scalar(event: yaml.ScalarEvent, line: str) -> None:
    if len(event.value) > LONGEST_TEXT:
        raise UserError(
            f"{line}: found a value of {len(event.value):,} characters, expected at most "
            f"{LONGEST_TEXT:,}"
        )
    if event.tag and "python" in event.tag:
        raise UserError(f"{line}: found the tag {one_line(event.tag, 60)}, expected plain values")
