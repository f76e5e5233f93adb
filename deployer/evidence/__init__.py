"""A log becomes Evidence: which paths real invocations touched, how, when, and in how many sandboxes."""

from deployer.evidence.gather import from_json, gather, merge, to_json
from deployer.evidence.tally import Tally

__all__ = ["Tally", "from_json", "gather", "merge", "to_json"]
