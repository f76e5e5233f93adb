"""A tile index of scanned aerial photographs: each raster's bounds become a row of a shapefile and of a database."""

import os
import zipfile

import boto3
import geopandas as gpd
import numpy as np
import rasterio
from geoalchemy2 import Geometry, WKTElement
from rasterio.transform import from_bounds
from shapely.geometry import box
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

ENGINE = create_engine("sqlite://")
COLUMNS = (Column("id", Integer, primary_key=True), Column("location", String), Column("wkt", String))
FRAMES = Table("frames", MetaData(), *COLUMNS)


def scan(path, left, top):
    profile = {"height": 32, "width": 32, "count": 1, "dtype": "uint8", "crs": "EPSG:3857"}
    transform = from_bounds(left, top - 1000, left + 1000, top, 32, 32)
    with rasterio.open(path, "w", driver="GTiff", transform=transform, **profile) as raster:
        raster.write(np.full((32, 32), 7, dtype="uint8"), 1)


def index(count):
    rows = []
    for number in range(count):
        path = f"/tmp/frame{number}.tif"
        scan(path, -10_880_000 + 1500 * number, 3_540_000)
        with rasterio.open(path) as raster:
            rows.append({"location": path, "src_srs": raster.crs.to_string(), "geometry": box(*raster.bounds)})
        os.remove(path)
    return gpd.GeoDataFrame(rows, crs="EPSG:3857")


def shapefile(event):
    index(event.get("frames", 3)).to_file("/tmp/tile_index.shp")
    with zipfile.ZipFile("/tmp/tile_index.zip", "w") as archive:
        for suffix in (".cpg", ".dbf", ".prj", ".shp", ".shx"):
            archive.write("/tmp/tile_index" + suffix, "tile_index" + suffix)
        names = archive.namelist()
    back = gpd.read_file("/tmp/tile_index.shp")
    return {"files": names, "rows": len(back), "crs": back.crs.to_epsg()}


def geojson(event):
    frame = index(event.get("frames", 2)).to_crs(event.get("to", "EPSG:4326"))
    frame.to_file("/tmp/index.geojson", driver="GeoJSON")
    return {"bounds": [round(value, 5) for value in gpd.read_file("/tmp/index.geojson").total_bounds]}


def database(event):
    FRAMES.metadata.create_all(ENGINE)
    with ENGINE.begin() as connection:
        for row in index(event.get("frames", 2)).itertuples():
            element = WKTElement(row.geometry.wkt, srid=3857)
            connection.execute(insert(FRAMES).values(location=row.location, wkt=str(element.data)))
        stored = connection.execute(select(FRAMES.c.location)).all()
    return {"stored": len(stored) > 0, "type": Geometry("POLYGON", srid=3857).geometry_type}


def dissolve(event):
    frame = index(4)
    frame["half"] = frame.index % 2
    return {"areas": [round(area, 1) for area in frame.dissolve(by="half").area]}


def upload(event):
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s")
    return {"signed": len(client.generate_presigned_url("put_object", Params={"Bucket": "b", "Key": "k"})) > 40}


ACTIONS = {"shapefile": shapefile, "geojson": geojson, "database": database, "dissolve": dissolve, "upload": upload}


def handler(event, context):
    return ACTIONS[event["do"]](event)
