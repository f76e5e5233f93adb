"""Zips for tests."""

import io
import zipfile
from collections.abc import Mapping
from textwrap import dedent


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of a few files; text loses its indentation, ``*.sh`` and ``wrapper`` are executable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
            entry.external_attr = (0o755 if name.endswith((".sh", "wrapper")) else 0o644) << 16
            archive.writestr(entry, dedent(content) if isinstance(content, str) else content)
    return buffer.getvalue()
