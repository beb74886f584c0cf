"""Containers and raw streams that hold a whole video in one file: ffmpeg's demuxers, their endings.

Playlists, concat lists, image sequences and session descriptions are none: they name *other*
files. ffmpeg compares single names: "mov" admits the demuxer "mov,mp4,m4a,3gp,3g2,mj2", "matroska"
does not admit "webm_dash_manifest".
"""

from __future__ import annotations

# Endings that mostly mean sound, a still picture or a script (.ogg, .webp, .avs) are left out: a
# folder of videos may hold such files as well.
_VIDEO = {
    "mov": "mov mp4 m4v qt 3gp 3g2 f4v ismv mj2 psp",
    "matroska": "mkv mk3d webm",
    "avi": "avi divx",
    "asf": "asf wmv",
    "flv": "flv",
    "live_flv": "",
    "kux": "kux",
    "ogg": "ogv ogm",
    "nut": "nut",
    "mxf": "mxf",
    "gxf": "gxf",
    "rm": "rm rmvb",
    "wtv": "wtv",
    "nsv": "nsv",
    "nuv": "nuv",
    "ty": "ty ty+",
    "pva": "pva",
    "dhav": "dav",
    "thp": "thp",
    "xmv": "xmv",
    "mpeg": "mpg mpeg m2p vob evo",
    "mpegts": "ts mts m2t m2ts tod trp",
    "mpegvideo": "m1v m2v mpv",
    "m4v": "m4v",
    "h261": "h261",
    "h263": "h263",
    "h264": "h264 264 h26l avc",
    "hevc": "hevc h265 265",
    "vvc": "vvc h266 266",
    "vc1": "vc1",
    "obu": "obu",
    "av1": "obu",
    "ivf": "ivf",
    "avs2": "avs2",
    "avs3": "avs3",
    "cavsvideo": "",
    "dv": "dv dif",
    "dirac": "drc",
    "dnxhd": "dnxhd",
    "mjpeg": "mjpeg mjpg",
    "ingenient": "",
    "yuv4mpegpipe": "y4m",
    "gif": "gif",
    "apng": "apng",
    "webp_anim": "",
    "flic": "fli flc",
    "smk": "smk",
    "bink": "bik bk2",
    "roq": "roq",
    "vivo": "viv",
}

# Opened so that the finding reads "no video stream" rather than "not allowed".
_SOUND = "wav w64 aiff au caf mp3 aac ac3 eac3 dts flac wv ape tta amr"

DEMUXERS = ",".join((*_VIDEO, *_SOUND.split()))
VIDEO_SUFFIXES = frozenset(f".{end}" for ends in _VIDEO.values() for end in ends.split())
