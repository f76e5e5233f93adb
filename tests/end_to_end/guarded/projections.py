"""Coordinates and geodata: a database and tables that C libraries open by a path that they make themselves."""

REQUIREMENTS = [
    "pyproj==3.7.1",
    "pyogrio==0.11.1",
    "numpy==2.3.2",
    "shapely==2.1.1",
    "pandas==2.3.1",
    "geopandas==1.1.1",
]
EVENTS = [
    {"to": 2056, "driver": "GeoJSON"},
    {"to": 32633, "driver": "GPKG"},
    {"to": 3857, "driver": "FlatGeobuf"},
    {"to": 27700, "driver": "ESRI Shapefile"},
    {"to": 3035, "driver": "GML"},
    {"to": 26918, "driver": "DXF"},
]

import os
import tempfile

import geopandas
import shapely


def handler(event, context):
    frame = geopandas.GeoDataFrame({"name": ["a"]}, geometry=[shapely.Point(8.5, 47.4)], crs=4326)
    moved = frame.to_crs(event["to"])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "data." + {"ESRI Shapefile": "shp", "DXF": "dxf"}.get(event["driver"], "x"))
        (moved[["geometry"]] if event["driver"] == "DXF" else moved).to_file(path, driver=event["driver"])
        again = geopandas.read_file(path)
    return [moved.crs.name, round(moved.geometry.x[0], 2), len(again), moved.crs.area_of_use.name]
