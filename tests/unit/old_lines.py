"""Records as the first version of the probe wrote them."""

import json

from probe_layer.record import OLD_MARK, Record


def old_line(record: Record) -> str:
    """Return the record as a line of version 1."""
    return json.dumps({"record": OLD_MARK, **record._asdict()}, separators=(",", ":"))
