"""Rows into Parquet and back, filtered and summed: pyarrow alone."""

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TABLE = pa.table({"kind": ["a", "b", "a", "c"] * 25, "value": list(range(100))})


def parquet(event):
    file = io.BytesIO()
    pq.write_table(TABLE, file, compression=event["with"])
    return pq.read_table(io.BytesIO(file.getvalue()), filters=[("kind", "=", "a")]).num_rows


def summed(event):
    return TABLE.group_by("kind").aggregate([("value", "sum")]).sort_by("kind").to_pylist()


def csv(event):
    from pyarrow import csv as reader

    return pc.sum(reader.read_csv(io.BytesIO(b"a,b\n1,2\n3,4\n"))["b"]).as_py()


def handler(event, context):
    return {"parquet": parquet, "summed": summed, "csv": csv}[event["do"]](event)
