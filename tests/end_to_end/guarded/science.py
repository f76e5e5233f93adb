"""Submodules that are loaded when their name is asked for, each with compiled code and libraries behind it."""

REQUIREMENTS = ["scipy==1.16.1", "numpy==2.3.2"]
EVENTS = ["linalg", "optimize", "signal", "sparse", "stats", "integrate", "fft", "spatial", "interpolate", "ndimage"]

import numpy
import scipy

WORK = {
    "linalg": lambda s: s.linalg.det([[1, 2], [3, 5]]),
    "optimize": lambda s: s.optimize.brentq(lambda x: x * x - 2, 0, 2),
    "signal": lambda s: s.signal.butter(2, 0.2)[0].sum(),
    "sparse": lambda s: s.sparse.eye(4).tocsr().sum() + s.sparse.linalg.norm(s.sparse.eye(4)),
    "stats": lambda s: s.stats.norm.cdf(1.0) + s.stats.ttest_ind([1, 2, 3], [2, 3, 5]).pvalue,
    "integrate": lambda s: s.integrate.quad(numpy.sin, 0, 1)[0],
    "fft": lambda s: abs(s.fft.fft([1, 2, 3])).sum(),
    "spatial": lambda s: s.spatial.ConvexHull([[0, 0], [1, 0], [0, 1], [1, 1]]).volume,
    "interpolate": lambda s: s.interpolate.CubicSpline([0, 1, 2], [0, 1, 4])(1.5),
    "ndimage": lambda s: s.ndimage.gaussian_filter([1.0, 2, 3], 1).sum(),
}


def handler(event, context):
    return round(float(WORK[event](scipy)), 9)
