"""Which paths may be handed to a decoder: regular, readable files inside the data folder."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
from pathlib import Path

from unmuted.errors import MachineError
from unmuted.media.ffmpeg import MediaError
from unmuted.text import printable

# Text formats whose only content is the names of other files. The demuxer whitelist refuses them
# as well; seen here, they are refused under any name and by any version of ffmpeg, with a reason
# that a person understands.
_LISTS = {
    b"#extm3u": "an HLS playlist",
    b"ffconcat": "a list of files to concatenate",
    b"[playlist]": "a playlist",
    b"[reference]": "a reference list",
    b"<?xml": "an XML document",
    b"<mpd": "a DASH manifest",
    b"<smil": "a SMIL playlist",
    b"<asx": "an ASX playlist",
    b"v=0": "a session description",
    b"rtsp://": "a link",
    b"http://": "a link",
    b"https://": "a link",
    b"version https://git-lfs": "a pointer of Git LFS (`git lfs pull` gets the file)",
    b"/annex/objects/": "a pointer of git-annex (`git annex get` gets the file)",
}
# What is left of a symbolic link where links are copied as text.
_PATH_BEGINS = (b"../", b"./", b"/")
_LONGEST_PATH = 1024


def check_file(path: Path, root: Path | None = None, follow_links: bool = False) -> None:
    """Refuse whatever is not a plain file to be decoded, without ever blocking on it.

    Args:
        path: the file, possibly a symbolic link.
        root: folder that the file must still lie in once all links are resolved; None: anywhere.
        follow_links: whether links may lead out of `root`.

    Raises:
        MediaError: `missing`, `link_loop`, `outside_folder`, `not_a_file` (folder, pipe,
            device, socket), `empty`, `not_allowed` (a list of other files) or `unreadable` (an
            impossible name).
        MachineError: this user may not read the file, or its disk does not answer.
    """
    try:
        resolved = path.resolve(strict=True)
        if root is not None and not follow_links and root.resolve() not in resolved.parents:
            raise MediaError("outside_folder", "the path leads out of the data folder")
        status = resolved.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(
                "not_a_file", f"expected a regular file, found {_kind(status.st_mode)}"
            )
        if status.st_size == 0:
            raise MediaError("empty", "the file has no bytes")
        beginning = _read_beginning(resolved)
    except (OSError, RuntimeError) as error:
        raise _as_finding(path, error) from error
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for signature, kind in _LISTS.items():
        if text.startswith(signature):
            raise MediaError(
                "not_allowed", f"{kind}, not a video: other files that it names are not opened"
            )
    if status.st_size <= _LONGEST_PATH and beginning.startswith(_PATH_BEGINS):
        raise MediaError(
            "not_allowed", "a link that was copied as a text with the other file's path"
        )


def _read_beginning(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 64)
    finally:
        os.close(descriptor)


def cannot_read(path: Path, error: OSError) -> MachineError:
    """Return what says that a file cannot be read here and now, by whom, and what to do."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # in containers
        user = f"number {os.geteuid()}"
    is_denied = error.errno in (errno.EACCES, errno.EPERM)
    remedy = "Let this user read it" if is_denied else "Bring the file back"
    return MachineError(
        f"{printable(path)}: the user {user} cannot read the file on {socket.gethostname()} "
        f"({os.strerror(error.errno or errno.EIO)}). {remedy}, or take the video out of the data "
        "set, and run again; finished results are kept"
    )


def _as_finding(path: Path, error: OSError | RuntimeError) -> MediaError | MachineError:
    # Path.resolve() reports a loop as RuntimeError up to Python 3.12 and as OSError from 3.13 on.
    number = error.errno if isinstance(error, OSError) else errno.ELOOP
    if number == errno.ELOOP:
        return MediaError("link_loop", "symbolic links lead in a circle")
    if number in (errno.ENOENT, errno.ENOTDIR):
        return MediaError("missing", "no such file, or a link to nothing")
    if number == errno.ENAMETOOLONG or not isinstance(error, OSError):
        return MediaError("unreadable", os.strerror(errno.ENAMETOOLONG))
    return cannot_read(path, error)


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a character device",
        stat.S_IFBLK: "a block device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
