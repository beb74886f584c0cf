"""Draw the documentation's picture of the demo: frames of four clips over their spectrograms.

Run as `python workflow/scripts/draw_demo_clips.py docs/figures/demo_clips.png`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from unmuted.evaluation.figures.demo_clips import demo_clips


def main(target: Path) -> None:
    """Write the picture."""
    demo_clips().savefig(target, dpi=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
