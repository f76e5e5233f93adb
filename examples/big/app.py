"""A model that is trained and asked beside tables, texts and pictures: what else would go into a container image."""

import cv2
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression

torch.manual_seed(5)
MODEL = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))


def points(count):
    grid = torch.linspace(-1, 1, count)
    return torch.stack([grid, grid**2, grid**3, torch.cos(grid)], dim=1), (grid > 0).long()


def train(event):
    inputs, wanted = points(event.get("count", 64))
    optimizer = torch.optim.SGD(MODEL.parameters(), lr=0.5)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(MODEL(inputs), wanted).backward()
        optimizer.step()
    right = (MODEL(inputs).argmax(dim=1) == wanted).float().mean()
    return {"right": bool(right > 0.9), "threads": torch.get_num_threads() > 0}


def classify(event):
    inputs, wanted = points(event.get("count", 64))
    fitted = LogisticRegression().fit(inputs.numpy(), wanted.numpy())
    return {"score": round(float(fitted.score(inputs.numpy(), wanted.numpy())), 3)}


def edges(event):
    picture = np.zeros((64, 64), dtype=np.uint8)
    picture[16:48, 16:48] = 255
    ok, png = cv2.imencode(".png", cv2.Canny(picture, 50, 150))
    return {"edges": int((cv2.imdecode(png, cv2.IMREAD_GRAYSCALE) > 0).sum()), "packed": bool(ok)}


def table(event):
    import polars
    import pyarrow.parquet

    frame = pd.DataFrame({"kind": ["a", "b"] * 50, "value": range(100)})
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(frame), "/tmp/table.parquet", compression="zstd")
    sums = polars.read_parquet("/tmp/table.parquet").group_by("kind").agg(polars.col("value").sum()).sort("kind")
    return {"sums": sums.rows()}


def tokens(event):
    import spacy

    return {"tokens": [token.text for token in spacy.blank("en")(event["text"])]}


ACTIONS = {"train": train, "classify": classify, "edges": edges, "table": table, "tokens": tokens}


def handler(event, context):
    return ACTIONS[event["do"]](event)
