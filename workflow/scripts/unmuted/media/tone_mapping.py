"""HDR and wide-gamut pictures as an SDR screen would show them, by ffmpeg's own filters.

What `unmuted.media.colour` does to pictures that networks see, with the same curve: `mobius` is the
one hyperbola that leaves the line at the knee and reaches white at the peak. The filter zscale is
in most builds of ffmpeg, not in all; where it is missing, pictures keep their codes.
"""

from __future__ import annotations

import subprocess
from functools import cache

from ffmpeg.nodes import FilterableStream

from unmuted.media.colour import KNEE, PEAK, WHITE, Colours
from unmuted.media.ffmpeg import binary

_FILTERS = ("zscale", "tonemap")
_LISTING_S = 60.0


def is_possible() -> bool:
    """Return whether ffmpeg has what the conversion needs."""
    return _has_filters(binary())


@cache
def _has_filters(program: str) -> bool:
    command = [program, "-hide_banner", "-filters"]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LISTING_S,
        check=False,
    )
    return {line.split()[1] for line in done.stdout.splitlines() if "->" in line} >= {*_FILTERS}


def note_on(colours: Colours) -> str:
    """Say what becomes of pictures that are not ordinary."""
    if is_possible():
        return colours.note
    kind = colours.note.partition(",")[0]
    return f"{kind}, its colours are not converted: this ffmpeg has no filter zscale"


def to_sdr(stream: FilterableStream, colours: Colours, scaler: str) -> FilterableStream:
    """Convert pictures of these colours, which are not ordinary, to BT.709 in YUV of 4:4:4.

    scaler: options of ffmpeg's scaler, which decodes the matrix.
    """
    # What a file does not say is BT.2020.
    primaries = colours.primaries if colours.primaries in ("bt709", "smpte432") else "bt2020"
    stream = stream.filter("scale", flags=scaler, out_range="pc", **colours.scale_options)
    stream = stream.filter("format", "gbrp16le")
    stream = stream.filter(
        "setparams",
        range="pc",
        colorspace="gbr",
        color_primaries=primaries,
        color_trc=colours.transfer if colours.is_hdr else "bt709",
    )
    if colours.is_hdr:
        stream = stream.filter("zscale", transfer="linear", npl=WHITE).filter("format", "gbrpf32le")
        stream = stream.filter("zscale", primaries="bt709")
        stream = stream.filter("tonemap", "mobius", param=KNEE, peak=PEAK / WHITE, desat=0)
    sdr = {"primaries": "bt709", "transfer": "bt709", "matrix": "bt709", "range": "tv"}
    return stream.filter("zscale", **sdr).filter("format", "yuv444p")
