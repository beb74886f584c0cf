"""Sound permuted across source groups, for a generator that can learn nothing from the picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from unmuted.samples.experiment import OF_AUDIO, Clip
from unmuted.training.order import stable_hash


def permute_sound(clips: Sequence[Clip]) -> list[Clip]:
    """Give each clip with usable sound that of a clip of another source group, each sound once.

    So the sound as a whole stays the same, and only its relation to the picture is lost. Clips
    without sound stay as they are, and clips for which `derange_groups` finds no partner have none.
    """
    places = [i for i, clip in enumerate(clips) if clip.has_sound]
    with_audio = [clips[i] for i in places]
    partners = derange_groups([c.key for c in with_audio], [c.group for c in with_audio])
    changed = list(clips)
    for place, partner in zip(places, partners, strict=True):
        sound = {} if partner is None else with_audio[partner].artifacts
        own = {s: a for s, a in clips[place].artifacts.items() if s not in OF_AUDIO}
        given = {stage: sound[stage] for stage in OF_AUDIO if stage in sound}
        changed[place] = replace(clips[place], artifacts={**own, **given})
    return changed


def derange_groups(keys: Sequence[str], groups: Sequence[str]) -> list[int | None]:
    """Give every clip the index of one of another group, each index at most once.

    The clips form a ring, group by group, in the order of a hash of their content; each takes the
    one as many places ahead as the largest group has clips. The order of the clips and the names of
    the groups do not matter. If one group has more than half of the clips, those of its clips that
    come last are left out, with None. Clips of a single group are deranged one by one, and a single
    clip keeps its own: a null of so little data shows nothing, as all of it does.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for i in sorted(range(len(keys)), key=lambda i: (stable_hash("permuted", keys[i]), keys[i])):
        members[groups[i]].append(i)  # groups come in the order of their first clip
    if len(members) == 1:  # of so few clips that a fit has one source: across its clips
        (of_group,) = members.values()
        members = {str(i): [i] for i in of_group}
    if len(keys) == 1:
        return [0]
    largest = max(map(len, members.values()), default=0)
    most = min(largest, len(keys) - largest)
    ring = [i for of_group in members.values() for i in of_group[:most]]
    partners: list[int | None] = [None] * len(keys)
    for place, i in enumerate(ring):
        partners[i] = ring[(place + most) % len(ring)]
    return partners
