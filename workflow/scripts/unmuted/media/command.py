"""Command lines that decode one file; ffmpeg-python writes the options and the filter graph.

Every input comes from :func:`open_input`, so that no call can forget the restrictions: only the
`file` protocol, and only demuxers that read nothing but the file they are given (see
`unmuted.dataset.containers`). The others are refused before their content is acted on.

ffmpeg-python only builds the list of arguments. `unmuted.media.process` runs it, with a time limit
and a bounded log.
"""

from __future__ import annotations

import os
from pathlib import Path

import ffmpeg
from ffmpeg.nodes import FilterableStream, OutputStream

from unmuted.dataset.containers import DEMUXERS
from unmuted.dataset.limits import Limits
from unmuted.media.confinement import confine
from unmuted.media.ffmpeg import binary

_INPUT = "input"  # in place of the path in the graph: ffmpeg-python accepts only UTF-8 names
# A second output, to nothing. Its packets are numbered, so that their times raise no objections.
_READ_ALL = ["-map", "0:V?", "-map", "0:a?", "-c", "copy", "-bsf", "setts=ts=N", "-f", "null", "-"]
_MAX_ALLOCATION = 1 << 30  # bytes, of a single block ...
_RAW_PIXEL = 8  # ... unless a picture that is not compressed is larger: four samples of 16 bits
_MAX_PROBED = 20_000_000  # bytes read to recognise the streams ...
_MAX_ANALYSED = 10_000_000  # ... and microseconds


def open_input(**decoder: object) -> FilterableStream:
    """Return the restricted input that :func:`decode_command` expects.

    One decoding thread: jobs run side by side anyway, and the concealment of damaged pictures then
    depends on the file alone. External tracks of QuickTime files stay off, as is ffmpeg's default.

    Args:
        decoder: further options of the input, such as `max_pixels`.
    """
    return ffmpeg.input(
        _INPUT,
        protocol_whitelist="file",
        format_whitelist=DEMUXERS,
        probesize=_MAX_PROBED,
        analyzeduration=_MAX_ANALYSED,
        threads=1,
        **decoder,
    )


def decode_command(
    path: Path,
    output: OutputStream,
    log_level: str = "error",
    is_bridged: bool = False,
    limits: Limits | None = None,
) -> list[str]:
    """Return the command line that reads `path` and writes `output`.

    `-copyts` keeps the file's own clock, on which sound and picture are aligned. The prefix `file:`
    keeps a name from being taken for another protocol or an option.

    Args:
        path: any path, also one whose name is not UTF-8.
        output: made from :func:`open_input`.
        log_level: ffmpeg's; each line of the log names its level.
        is_bridged: `Probe.is_bridged`: one clock without the jumps of the file's time stamps, for
            which the packets of all its streams are read (see `unmuted.media.clock`).
        limits: of the videos; they bound the memory of the decoder and say whether it runs in a
            sandbox (see `unmuted.media.confinement`).

    Raises:
        ValueError: `output` is not made from :func:`open_input`, or has a second input.
    """
    log = ["-nostdin", "-hide_banner", "-loglevel", f"level+{log_level}"]
    threads = ["-filter_threads", "1", "-filter_complex_threads", "1"]
    limits = limits or Limits()
    largest = max(_MAX_ALLOCATION, _RAW_PIXEL * limits.max_pixels)
    bounds = ["-max_alloc", str(largest), *threads]
    clock = [] if is_bridged else ["-copyts"]
    arguments = ffmpeg.compile(output, cmd=[binary(), *log, *bounds, *clock])
    places = [i + 1 for i, argument in enumerate(arguments) if argument == "-i"]
    if [arguments[place] for place in places] != [_INPUT]:
        names = ", ".join(arguments[place] for place in places)
        raise ValueError(f"expected the one input that open_input() returns, found {names}")
    arguments[places[0]] = f"file:{os.path.abspath(path)}"
    return confine(arguments + (_READ_ALL if is_bridged else []), path, limits)
