"""Answers are compared but for what differs by nature."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.deploy.answers import differences, digest_of, matches, shape_of, written
from deployer.errors import UsageError

NONE: frozenset[Any] = frozenset()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def differing(before, after, *ignored):
    shape = shape_of(before)
    return [written(place) for place in differences(shape, after, matches(ignored, after, shape))]


@given(VALUES, VALUES)
def test_a_value_differs_from_a_shape_exactly_where_it_is_not_equal(one, other):
    assert list(differences(shape_of(one), one, NONE)) == []
    assert bool(list(differences(shape_of(one), other, NONE))) == (
        json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)
    )


def test_where_they_differ_is_told_as_json_paths():
    before = {"id": 1, "rows": [{"a": 1}, {"a": 2}], "odd key": 3, "gone": 1}
    after = {"id": 2, "rows": [{"a": 1}, {"a": 3}, 4], "odd key": 4, "new": 1}
    assert differing(before, after) == ["$.id", "$.rows[1].a", "$.rows[2]", "$['odd key']", "$.gone", "$.new"]


@pytest.mark.parametrize(
    ("path", "left"),
    [("$.id", ["$.rows[0].at"]), ("$..at", ["$.id"]), ("$.rows[*].at", ["$.id"]), ("$", []), ("$.nothing", None)],
)
def test_what_the_user_names_may_differ(path, left):
    before, after = {"id": 1, "rows": [{"at": "monday"}]}, {"id": 2, "rows": [{"at": "tuesday"}]}
    assert differing(before, after, path) == (["$.id", "$.rows[0].at"] if left is None else left)


def test_what_is_gone_or_new_may_be_named_too():
    assert differing({"trace": 1, "a": 1}, {"a": 1}, "$.trace") == []
    assert differing({"a": 1}, {"trace": 1, "a": 1}, "$.trace") == []


def test_a_shape_holds_no_value_and_stays_short():
    secret = {"token": "s3cret", "rows": ["s3cret"] * 50_000}
    text = json.dumps(shape_of(secret))
    assert "s3cret" not in text
    assert len(text) < 1 << 16
    assert differing(secret, {**secret, "token": "other"}) == ["$.token"]
    assert shape_of(7) == digest_of(7)


def test_what_is_no_json_path_is_a_mistake_of_the_command_line():
    with pytest.raises(UsageError, match="no JSON path"):
        matches(["$.[["], {})
