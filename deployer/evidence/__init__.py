"""A log becomes Evidence: which paths real invocations touched, how, when, and in how many sandboxes."""

from deployer.evidence.gather import from_json, gather, merge, to_json

__all__ = ["from_json", "gather", "merge", "to_json"]
