"""Raster tiles: a small GeoTIFF is written, read back, reprojected, outlined, and a link to it is signed."""

import boto3
import numpy as np
import rasterio
from rasterio._env import GDALDataFinder
from rasterio.transform import from_bounds

BOUNDS = (-10_880_000.0, 3_540_000.0, -10_870_000.0, 3_550_000.0)


def write(path, driver="GTiff", **options):
    data = np.arange(128 * 128, dtype="uint16").reshape(128, 128)
    profile = {"height": 128, "width": 128, "count": 1, "dtype": "uint16", "crs": "EPSG:3857"}
    transform = from_bounds(*BOUNDS, 128, 128)
    with rasterio.open(path, "w", driver=driver, transform=transform, **profile, **options) as raster:
        raster.write(data, 1)


def stats(event):
    write("/tmp/stats.tif", compress=event.get("compress", "deflate"))
    with rasterio.open("/tmp/stats.tif") as raster:
        band = raster.read(1)
        return {"crs": raster.crs.to_string(), "mean": float(band.mean()), "max": int(band.max())}


def reproject(event):
    from rasterio.warp import transform_bounds

    corners = transform_bounds("EPSG:3857", event.get("to", "EPSG:4326"), *BOUNDS)
    return {"bounds": [round(value, 6) for value in corners]}


def outline(event):
    from rasterio import features
    from shapely.geometry import shape

    mask = np.zeros((32, 32), dtype="uint8")
    mask[8:24, 8:24] = 1
    return {"areas": [shape(geometry).area for geometry, value in features.shapes(mask) if value == 1]}


def formats(event):
    write("/tmp/other.png", driver="PNG")
    with rasterio.open("/tmp/other.png") as raster:
        found = {"driver": raster.driver, "shape": list(raster.shape)}
    # GDAL's data folder is found by a file whose existence is asked for and which is never opened.
    return {**found, "gdal_data": GDALDataFinder().search() is not None}


def sign(event):
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s")
    url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    return {"signed": "Signature=" in url}


def fill(event):
    from rasterio.fill import fillnodata

    data, mask = np.ones((9, 9), dtype="float32"), np.ones((9, 9), dtype="uint8")
    data[4, 4] = mask[4, 4] = 0
    return {"filled": round(float(fillnodata(data, mask)[4, 4]), 3)}


ACTIONS = {
    "stats": stats,
    "reproject": reproject,
    "outline": outline,
    "formats": formats,
    "sign": sign,
    "fill": fill,
}


def handler(event, context):
    return ACTIONS[event["do"]](event)
