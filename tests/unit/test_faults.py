"""What the probe could not see is said in words, whatever its name."""

import re
from pathlib import Path

import pytest

from deployer.models.evidence import Evidence
from deployer.report.faults import EXPLAINED, explained
from deployer.report.models import warnings

LAYER = Path(__file__).parents[2] / "probe_layer"
KINDS = "inotify|shim|journal|runtime|output|probe|maps|audit|unpack|guard"


def test_every_fault_of_the_probe_is_explained_and_no_other():
    in_code = {
        name for file in LAYER.rglob("*.py") for name in re.findall(rf'"((?:{KINDS})-[a-z-]+)"', file.read_text())
    }
    assert in_code == EXPLAINED.keys()


def test_every_fault_that_the_layer_s_readme_names_is_explained():
    table = (LAYER / "README.md").read_text().partition("| fault |")[2].partition("\n\n")[0]
    assert set(re.findall(rf"`((?:{KINDS})-[a-z-]+)`", table)) <= EXPLAINED.keys()


@pytest.mark.parametrize("fault", [*EXPLAINED, "new-in-a-later-probe"])
def test_a_fault_is_one_sentence_with_its_name(fault):
    sentence = explained(fault, 2)
    assert sentence[0].isupper()
    assert sentence.endswith(f"({fault}, in 2 records).")
    assert sentence.count(". ") == 0


def test_status_and_shrink_warn_of_each_fault():
    found = Evidence("label", {}, faults={"inotify-overflow": 1, "shim-static": 3})
    assert warnings(found) == (explained("inotify-overflow", 1), explained("shim-static", 3))
