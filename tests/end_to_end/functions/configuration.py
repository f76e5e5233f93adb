"""Settings in four languages, some read by C, and a Python child that reads them too."""

REQUIREMENTS = ["pyyaml==6.0.2", "regex==2024.11.6", "tabulate==0.9.0", "ruamel.yaml==0.18.14", "tomlkit==0.13.3"]
EVENTS = [{"kind": "yaml"}, {"kind": "toml"}, {"kind": "child"}]
FILES = {"settings/site.yaml": "name: [a, b]\n", "settings/site.toml": "name = ['a', 'b']\n"}

import io
import subprocess
import sys

import regex
import tabulate
import yaml

CHILD = "import sys; sys.path.insert(0, '.'); import ruamel.yaml; print(ruamel.yaml.YAML().load(open('settings/site.yaml'))['name'][1])"


def handler(event, context):
    if event["kind"] == "yaml":
        with open("settings/site.yaml") as file:
            names = yaml.load(file, Loader=yaml.CSafeLoader)["name"]
    elif event["kind"] == "toml":
        import tomlkit

        with open("settings/site.toml") as file:
            names = list(tomlkit.load(file)["name"])
    else:
        names = [
            subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout.strip()
        ]
    table = tabulate.tabulate([[name] for name in names], headers=["name"], tablefmt="github")
    return [table, regex.findall(r"\p{L}+", io.StringIO(table).read())]
