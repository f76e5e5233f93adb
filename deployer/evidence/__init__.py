"""A log becomes Evidence: which paths real invocations touched, how, when, and in how many sandboxes."""

from deployer.evidence.aggregate import Aggregate, Topic, lists_in, query
from deployer.evidence.gather import from_json, gather, merge, to_json
from deployer.evidence.tally import Tally

__all__ = ["Aggregate", "Tally", "Topic", "from_json", "gather", "lists_in", "merge", "query", "to_json"]
