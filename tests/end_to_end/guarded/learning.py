"""Models: data sets beside the modules, compiled code by estimator, worker processes."""

REQUIREMENTS = ["scikit-learn==1.7.1", "scipy==1.16.1", "numpy==2.3.2", "joblib==1.5.1"]
EVENTS = [
    {"data": "iris", "model": "sklearn.linear_model.LogisticRegression"},
    {"data": "wine", "model": "sklearn.ensemble.RandomForestClassifier"},
    {"data": "digits", "model": "sklearn.svm.SVC"},
    {"data": "breast_cancer", "model": "sklearn.neighbors.KNeighborsClassifier"},
]

import importlib

import sklearn.datasets


def handler(event, context):
    place, _, name = event["model"].rpartition(".")
    model = getattr(importlib.import_module(place), name)()
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    data = getattr(sklearn.datasets, f"load_{event['data']}")()
    return [len(data.DESCR), round(float(model.fit(data.data, data.target).score(data.data, data.target)), 2)]
