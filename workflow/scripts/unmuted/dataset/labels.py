"""The labelled events of a match, from any of the files that a user may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from unmuted.dataset.bounded_files import MEGABYTE
from unmuted.dataset.events import HALVES, Event
from unmuted.dataset.videos import raise_problems
from unmuted.text import exact, one_line, printable

LARGEST_FILE = 20 * MEGABYTE  # the labels of a match take 100 kB
MOST_ENTRIES = 100_000
LONGEST_LABEL = 200  # characters
MOST_LISTED = 10  # of what notes list


@dataclass(frozen=True)
class Labels:
    """What a file of labels says.

    events: usable ones, in the order of time, each once. rejected: why each of the others is left
    out. unknown: labels that are no kind of the run, and how often they occur. notes: what a person
    should know about the file.
    """

    events: tuple[Event, ...]
    rejected: tuple[str, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def within(self, seconds: Mapping[int, float]) -> Labels:
        """Reject events outside the videos. seconds: the duration of each half that has one."""
        kept, rejected = [], list(self.rejected)
        for event in self.events:
            length = seconds.get(event.half)
            if length is None:
                rejected.append(f"{_name(event)}: there is no video of half {event.half}")
            elif event.milliseconds > 1000 * length:
                rejected.append(
                    f"{_name(event)}: the video of its half ends at {exact(round(length, 3))} s"
                )
            else:
                kept.append(event)
        return replace(self, events=tuple(kept), rejected=tuple(rejected))


class UnknownKind(Exception):
    """A label that is no kind of the run; its text is the label."""


def collect_labels(
    path: Path, entries: Iterable[tuple[str, Callable[[], Event]]], notes: Collection[str] = ()
) -> Labels:
    """Make Labels of a file's entries.

    entries: the name of each in errors, and a function that gives its event, raises UnknownKind, or
    ValueError if the entry is not valid. notes: what to add to the notes, read after the entries.
    Raises UserError that lists every entry that is not valid.
    """
    events: dict[tuple[int, int, str], Event] = {}
    rejected, problems, twice = [], [], 0
    unknown: Counter[str] = Counter()
    for name, make in entries:
        try:
            event = make()
        except UnknownKind as error:
            unknown[one_line(str(error), LONGEST_LABEL)] += 1
            continue
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        if reason := _reason_to_reject(event):
            rejected.append(f"{name}: {reason}")
            continue
        twice += (event.half, event.milliseconds, event.kind) in events
        events[event.half, event.milliseconds, event.kind] = event
    raise_problems(problems, printable(path))
    all_notes = [*notes, *_notes(unknown, twice)]
    shown = tuple(f"{printable(path)}: {note}" for note in all_notes)
    return Labels(tuple(sorted(events.values())), tuple(rejected), dict(unknown), shown)


def checked_label(label: object) -> str:
    """Return a label; raise ValueError for what cannot be one."""
    if not isinstance(label, str) or not label.strip():
        raise ValueError("expected a label that is not empty")
    if len(label) > LONGEST_LABEL:
        raise ValueError(f"expected a label of at most {LONGEST_LABEL} characters")
    return label.strip()


def _reason_to_reject(event: Event) -> str | None:
    if event.half not in HALVES:
        return f"half {event.half} is not scored, only 1 and 2 are"
    if event.milliseconds < 0:
        return f"{exact(event.milliseconds / 1000)} s is before the start of its half"
    return None


def _notes(unknown: Counter[str], twice: int) -> list[str]:
    notes = []
    if unknown:
        most = unknown.most_common(MOST_LISTED)
        listed = ", ".join(f"{one_line(label, 40)} ({count})" for label, count in most)
        more = f" and {len(unknown) - len(most)} more" if len(unknown) > len(most) else ""
        notes.append(f"{unknown.total()} entries have labels that are no kind here: {listed}{more}")
    if twice:
        notes.append(f"{twice} events occur twice and count once")
    return notes


def _name(event: Event) -> str:
    return f"{event.kind} at {exact(event.milliseconds / 1000)} s of half {event.half}"
