"""The mp4 of a clip of a family."""

from __future__ import annotations

from pathlib import Path

from unmuted.demo_world.families.plan import FPS, FamilyClipSpec
from unmuted.demo_world.families.render import render_pictures
from unmuted.demo_world.families.sound import make_soundtrack
from unmuted.demo_world.files import encode


def write_family_clip(spec: FamilyClipSpec, path: Path) -> None:
    """Render a clip and encode it, as `unmuted.demo_world.files.write_clip` does.

    The picture stream is the same, to the bit, in all clips with the same picture.
    """
    frames, _ = render_pictures(spec, range(spec.frame_count))
    encode(frames, str(FPS), make_soundtrack(spec).samples, path)
