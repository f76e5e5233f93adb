"""A program in the package: frames go in, a film comes out."""

REQUIREMENTS = ["imageio-ffmpeg==0.6.0"]
FAULTS = ["shim-static"]
EVENTS = [{"codec": "mpeg4"}, {"codec": "libx264"}]

import imageio_ffmpeg


def handler(event, context):
    path = "/tmp/film.mp4"
    writer = imageio_ffmpeg.write_frames(path, (64, 64), codec=event["codec"], macro_block_size=1)
    writer.send(None)
    for shade in range(10):
        writer.send(bytes([shade * 20]) * 64 * 64 * 3)
    writer.close()
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(path)
    return [frames, round(seconds, 2), imageio_ffmpeg.get_ffmpeg_version()]
