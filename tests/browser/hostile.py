"""Texts of strangers that a page must show as they are."""

from __future__ import annotations

LONG = "a label of ten thousand characters " + "x" * 9_965
HOSTILE = (
    "<script>window.broken = 1</script>",
    "</script><script>window.broken = 1</script>",
    "<img src=x onerror='window.broken = 1'>",
    '" onmouseover="window.broken = 1" x=\'',
    "</title></style></textarea><iframe srcdoc='<script>parent.broken = 1</script>'>",
    "javascript:window.broken = 1",
    "{{ 7 * 7 }} {% raw %} ${7 * 7}",
    "&lt;b&gt; &amp; <b>bold</b>",
    "turned \u202egnp.exe and \u2066isolated",
    "line\u2028separator\u2029s",
    "]]> <!-- <![CDATA[",
    "ünïcödé 视频 🎻",
    LONG,
)
