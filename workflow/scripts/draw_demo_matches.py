"""Draw the demo's matches as SoccerNet publishes its own, for the source `soccernet`.

Run as `python workflow/scripts/draw_demo_matches.py FOLDER [--matches 20] [--seconds 80 100]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from unmuted.dataset.soccernet_labels import labels_text
from unmuted.demo_world.matches.layout import write_games
from unmuted.demo_world.matches.plan import plan_matches
from unmuted.demo_world.matches.vocabulary import WORLDS


def main(arguments: list[str] | None = None) -> None:
    """Write games, labels and lists of splits to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--matches", type=int, default=20)
    parser.add_argument("--seconds", type=float, nargs=2, default=(80, 100))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kind", choices=tuple(WORLDS), default="plain")
    given = parser.parse_args(arguments)
    specs = plan_matches(given.matches, given.seconds, given.seed, given.kind)
    write_games(specs, given.folder, labels_text)


if __name__ == "__main__":
    main()
