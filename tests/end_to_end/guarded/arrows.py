"""Columns: formats with libraries of their own, which the same package's other libraries need."""

REQUIREMENTS = ["pyarrow==21.0.0"]
EVENTS = ["csv", "parquet", "feather", "dataset", "orc", "acero", "zone"]

import importlib
import io

import pyarrow
import pyarrow.csv


def handler(event, context):
    table = pyarrow.table({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    stream, path = io.BytesIO(), f"/tmp/table.{event}"
    match event:
        case "csv":
            pyarrow.csv.write_csv(table, stream)
            return stream.getvalue().decode()
        case "parquet":
            parquet = importlib.import_module("pyarrow.parquet")
            parquet.write_table(table, path, compression="zstd")
            return parquet.read_table(path).num_rows
        case "feather":
            feather = importlib.import_module("pyarrow.feather")
            feather.write_feather(table, path)
            return feather.read_table(path).num_rows
        case "dataset":
            dataset = importlib.import_module("pyarrow.dataset")
            dataset.write_dataset(table, path, format="parquet", existing_data_behavior="overwrite_or_ignore")
            return dataset.dataset(path).count_rows()
        case "orc":
            orc = importlib.import_module("pyarrow.orc")
            orc.write_table(table, path)
            return orc.read_table(path).num_rows
        case "acero":
            return table.join(table, "a", right_suffix="_2").num_columns
        case _:
            import datetime

            return str(pyarrow.scalar(datetime.datetime(2024, 7, 1), pyarrow.timestamp("s", "Asia/Tokyo")))
