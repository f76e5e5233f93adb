"""Models as XML that C++ opens, and codecs of one big library with its own libraries beside it."""

REQUIREMENTS = ["opencv-python-headless==4.12.0.88", "numpy==2.2.6"]
EVENTS = [
    {"cascade": "haarcascade_frontalface_default.xml", "format": ".png"},
    {"cascade": "haarcascade_eye.xml", "format": ".jpg"},
    {"cascade": "haarcascade_russian_plate_number.xml", "format": ".webp"},
    {"cascade": "haarcascade_smile.xml", "video": True, "format": ".tiff"},
]

import os

import cv2
import numpy


def handler(event, context):
    cascade = cv2.CascadeClassifier(os.path.join(cv2.data.haarcascades, event["cascade"]))
    picture = numpy.zeros((64, 64, 3), numpy.uint8)
    done, packed = cv2.imencode(event["format"], picture)
    frames = 0
    if event.get("video"):
        writer = cv2.VideoWriter("/tmp/video.avi", cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 64))
        writer.write(picture)
        writer.release()
        frames = int(cv2.VideoCapture("/tmp/video.avi").get(cv2.CAP_PROP_FRAME_COUNT))
    return [not cascade.empty(), list(cascade.getOriginalWindowSize()), done, len(packed), frames]
