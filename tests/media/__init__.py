"""Clips with known content, made by ffmpeg for the tests of `unmuted.media`."""
