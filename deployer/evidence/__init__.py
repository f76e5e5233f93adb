"""A log becomes Evidence: which paths real invocations touched, how, when, and in how many sandboxes."""

from deployer.evidence.collector import Tally
from deployer.evidence.insights_rows import Aggregate, Topic, lists_in, query
from deployer.evidence.store import from_json, gather, merge, to_json

__all__ = ["Aggregate", "Tally", "Topic", "from_json", "gather", "lists_in", "merge", "query", "to_json"]
