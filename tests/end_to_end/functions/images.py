"""Pictures in several formats: each a plugin that is imported when a file asks for it, with libraries behind it."""

REQUIREMENTS = ["pillow==11.3.0", "qrcode==8.2"]
EVENTS = [{"format": "PNG"}, {"format": "WEBP"}, {"format": "TIFF"}, {"format": "JPEG2000"}, {"format": "GIF"}]

import hashlib
import io

import qrcode
from PIL import Image, ImageCms, ImageDraw, ImageFont


def handler(event, context):
    picture = qrcode.make("text").convert("RGB")
    ImageDraw.Draw(picture).text((5, 5), "Hello", fill="red", font=ImageFont.load_default(20))
    picture = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), ImageCms.createProfile("sRGB"))
    stream = io.BytesIO()
    picture.save(stream, event["format"])
    again = Image.open(io.BytesIO(stream.getvalue()))
    return [again.format, again.size, hashlib.sha256(again.convert("L").resize((9, 9)).tobytes()).hexdigest()]
