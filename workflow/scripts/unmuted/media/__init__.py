"""From a video file to frames, flow images and a wav, by way of ffmpeg and OpenCV."""
