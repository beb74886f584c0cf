"""`make faults`: inject all faults, show what held, and fail where something did not.

    python -m faults [--seed 1] [--kills 20] [--disks 8] [--damages 40] [--media 200]
    python -m faults --seed 1 --only kills:7

Run from tests/. Nothing is written but a temporary folder; that of trials that failed is kept.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from faults import full_disks
from faults.campaign import Campaign, run_campaign, table
from faults.damaged_results import Damages
from faults.full_disks import FullDisks
from faults.kills import Kills
from faults.mutated_media import Media
from faults.worlds import Worlds

COUNTS = {"kills": 20, "disks": 8, "damages": 40, "media": 200}


def main() -> int:
    """Run the campaigns that the command line names; returns the number of failures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    for kind, count in COUNTS.items():
        parser.add_argument(f"--{kind}", type=int, default=count, metavar="COUNT")
    parser.add_argument("--only", metavar="KIND[:NUMBER]", help="one kind, or one trial of it")
    parser.add_argument("--workers", type=int, default=2, help="trials side by side")
    arguments = parser.parse_args()
    full_disks.enter_namespace()
    kind, _, number = (arguments.only or "").partition(":")
    folder = Path(tempfile.mkdtemp(prefix="unmuted-faults-"))
    campaigns = _campaigns({kind: getattr(arguments, kind) for kind in COUNTS}, folder)
    started = time.monotonic()
    all_figures = []
    for campaign in campaigns:
        if campaign.count and kind in ("", campaign.kind):
            only = int(number) if number else None
            all_figures.append(
                run_campaign(campaign, arguments.seed, folder, arguments.workers, only)
            )
    print(table(all_figures))
    print(f"seed {arguments.seed}: {time.monotonic() - started:.0f} seconds")
    failed = sum(len(figures.failed) for figures in all_figures)
    if failed:
        print(f"what the failed trials left: {folder}")
    else:
        shutil.rmtree(folder)
    return min(failed, 100)


def _campaigns(counts: Mapping[str, int], folder: Path) -> list[Campaign]:
    worlds, media = Worlds(folder / "worlds"), Media(folder)
    disks = counts["disks"] if full_disks.is_possible() else 0
    if counts["disks"] and not disks:
        print("full disks: not tried, small disks need root or a user's mount namespace")
    return [
        Campaign("kills", Kills(worlds).attempt, counts["kills"]),
        Campaign("disks", FullDisks(worlds).attempt, disks),
        Campaign("damages", Damages(worlds).attempt, counts["damages"]),
        Campaign("media", media.attempt, counts["media"], media.remark),
        Campaign("media-run", media.attempt_run, min(1, counts["media"])),
    ]


if __name__ == "__main__":
    sys.exit(main())
