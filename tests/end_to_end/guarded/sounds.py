"""Sound and pictures: libraries that are loaded by ctypes and cffi, plugins by extension, tags by format."""

REQUIREMENTS = [
    "soundfile==0.13.1",
    "numpy==2.3.2",
    "imageio==2.37.0",
    "tifffile==2025.6.11",
    "pillow==11.3.0",
    "mutagen==1.47.0",
]
EVENTS = [{"extension": ".png"}, {"extension": ".tiff"}, {"extension": ".gif"}, {"sound": "WAV"}, {"sound": "FLAC"},
          {"sound": "OGG"}, {"extension": ".webp"}]  # fmt: skip

import imageio.v3
import numpy


def handler(event, context):
    if "extension" in event:
        path = "/tmp/picture" + event["extension"]
        imageio.v3.imwrite(path, numpy.arange(3 * 64, dtype=numpy.uint8).reshape(8, 8, 3))
        return [list(imageio.v3.imread(path).shape), imageio.v3.immeta(path).get("mode")]
    import mutagen
    import soundfile

    path = "/tmp/sound." + event["sound"].lower()
    soundfile.write(path, numpy.sin(numpy.arange(8000) / 9), 8000, format=event["sound"])
    return [type(mutagen.File(path)).__name__, soundfile.info(path).frames, soundfile.info(path).subtype_info]
