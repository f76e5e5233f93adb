"""Plugins that are found by their entry points, in three ways, and by listing a folder."""

REQUIREMENTS = ["stevedore==5.4.1", "setuptools==80.9.0", "pluggy==1.6.0", "fsspec==2025.7.0", "keyring==25.6.0",
                "pytest==8.4.1", "flake8==7.3.0", "keyrings.alt==5.0.2"]  # fmt: skip
EVENTS = ["version", "stevedore", "resources", "keyring", "fsspec", "zip", "listing", "files", "flake8"]

import importlib.metadata
import importlib.resources
import os
import pkgutil

HERE = os.path.dirname(os.path.abspath(__file__))


def version():
    return importlib.metadata.version("stevedore")


def stevedore():
    import stevedore

    manager = stevedore.ExtensionManager("flake8.extension", invoke_on_load=False)
    return sorted(f"{each.name}: {each.plugin.__module__}" for each in manager)


def resources():
    import pkg_resources

    found = {str(each.project_name) for each in pkg_resources.WorkingSet([HERE])}
    points = sorted(each.name for each in pkg_resources.iter_entry_points("console_scripts"))
    return sorted(found), [name for name in points if name in ("flake8", "keyring", "pytest")]


def keyring():
    import keyring.backend

    return sorted(each.name for each in keyring.backend.get_all_keyring() if "fail" in each.name or "File" in each.name)


def fsspec():
    import fsspec

    with fsspec.open("memory://a.txt", "w") as file:
        file.write("text")
    return fsspec.filesystem("memory").cat("/a.txt").decode(), type(
        fsspec.filesystem("dir", path="/tmp", target_protocol="file")
    ).__name__


def zip():
    import fsspec

    fsspec.filesystem("file").pipe("/tmp/plugins.txt", b"x")
    with fsspec.open("simplecache::file:///tmp/plugins.txt") as file:
        return file.read().decode(), type(fsspec.filesystem("reference", fo={})).__name__


def listing():
    import _pytest

    names = [each.name for each in pkgutil.iter_modules(_pytest.__path__)]
    return len(names), sorted(each.name for each in pkgutil.iter_modules([HERE]))[:20]


def files():
    paths = importlib.metadata.files("flake8")
    text = importlib.resources.files("setuptools").joinpath("command", "launcher manifest.xml").read_text()
    return len(paths), len(text), importlib.metadata.metadata("pytest")["Summary"], paths[0].read_text()[:40]


def flake8():
    import subprocess
    import sys

    with open("/tmp/checked.py", "w") as file:
        file.write("import os\n")
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "-j1", "/tmp/checked.py"],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout, done.returncode


def handler(event, context):
    return globals()[event]()
