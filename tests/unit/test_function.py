"""Names, and the state that one run leaves for the next."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import UsageError, WorkspaceError
from deployer.models.function import Configuration, Named, StoredZip, named
from deployer.state.document import FORM, from_document, to_document
from deployer.state.stages import Stage
from deployer.state.state import Answer, Baseline, Packages, Probe, ProbePeriod, Recorded, State

ZIP = StoredZip("b", "k", "0" * 64, 10, 20, 3, "a" * 16)
BEFORE = Baseline(Configuration("python3.11", "a.h", "r"), ZIP)
STATE = State("f", Stage.PROBED, "b", BEFORE, Packages(ZIP), Probe(Configuration("p", "h", "r"), "/g", 1))
states = st.builds(
    replace,
    st.just(STATE),
    stage=st.sampled_from(Stage),
    packages=st.builds(Packages, st.just(ZIP), st.sampled_from([None, ZIP])),
    recorded=st.builds(
        Recorded,
        st.text(max_size=5),
        st.dictionaries(st.text(max_size=5), st.builds(Answer, st.text(max_size=5), st.booleans()), max_size=3),
    ),
    left=st.sampled_from([None, BEFORE.configuration]),
    earlier=st.lists(
        st.builds(ProbePeriod, st.text(max_size=3), st.just("/g"), st.just(1), st.just(2)), max_size=2
    ).map(tuple),
    serial=st.integers(0, 9),
)


@given(states)
def test_a_state_comes_back_as_it_was(state):
    assert from_document(json.loads(FORM.write(to_document(state)))) == state


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_anything_else_is_said_to_be_no_state(document):
    with pytest.raises(WorkspaceError):
        from_document(document)


@pytest.mark.parametrize("name", ["f", "a-b_C9", "arn:aws:lambda:eu-west-1:123456789012:function:f", "1:function:f"])
def test_names_and_arns_name_a_function(name):
    assert named(name).name == name.rsplit(":", 1)[-1]


def test_an_arn_tells_where_the_function_is():
    assert named("arn:aws-cn:lambda:cn-north-1:123456789012:function:f") == Named("f", "cn-north-1", "123456789012")
    assert named("123456789012:function:f") == Named("f", "", "123456789012")


@pytest.mark.parametrize("name", ["", "f:1", "arn:aws:lambda:eu-west-1:123456789012:function:f:PROD", "../x", "a b"])
def test_versions_aliases_and_nonsense_are_refused(name):
    with pytest.raises(UsageError):
        named(name)
