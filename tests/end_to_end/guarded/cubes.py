"""Data cubes: backends by entry point, each with C libraries of its own."""

REQUIREMENTS = ["xarray==2025.7.1", "netCDF4==1.7.2", "h5netcdf==1.6.3", "h5py==3.14.0", "numpy==2.3.2",
                "pandas==2.3.1", "cftime==1.6.4.post1"]  # fmt: skip
EVENTS = [
    {"engine": "netcdf4"},
    {"engine": "h5netcdf"},
    {"engine": "h5py"},
    {"calendar": "noleap"},
]

import numpy
import xarray


def handler(event, context):
    path = f"/tmp/{event.get('engine', 'dates')}.nc"
    if event.get("calendar"):
        times = xarray.date_range("2001-01-01", periods=3, calendar=event["calendar"], use_cftime=True)
        return [str(time) for time in times.values]
    if event["engine"] == "h5py":
        import h5py

        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=numpy.arange(9), compression="gzip")
        with h5py.File(path) as file:
            return int(file["x"][:].sum())
    data = xarray.Dataset({"x": ("t", numpy.arange(4.0))}, coords={"t": numpy.arange(4)})
    data.to_netcdf(path, engine=event["engine"])
    with xarray.open_dataset(path, engine=event["engine"]) as again:
        return [float(again.x.sum()), repr(again._repr_html_())[:0], sorted(xarray.backends.list_engines())]
