"""Finds files that hold certificates by their contents: a bundle may have any name.

Sources: RFC 7468 (PEM), RFC 5280 (X.509), RFC 7292 (PKCS #12), and java.security.KeyStore (JKS, JCEKS).
"""

import posixpath
import re
from typing import Final

from deployer.models.package import Entry, Kind

_LONGEST: Final = 1 << 20
"""Bytes; certifi's bundle has 290,000, Java's 200,000, that of all regions of RDS 170,000."""
_SHORTEST: Final = 24
_OTHERS: Final = re.compile(
    r"""py[cdixf]?|pxd|so|a|o|dll|dylib|exe|wasm|jar|egg|whl|[ch]|cc|[chg]pp|cu|f|f90|r|jl|rs|go|proto
    |[cm]?[jt]sx?|map|s?css|html?|xhtml|xsd|svg|tmpl|j2|jinja|md|rst|tex|ipynb|po|mo
    |jsonl?|csv|tsv|parquet|feather|arrow|h5|hdf5|nc|mat|np[yz]|pkl|sqlite|db
    |gz|bz2|xz|zst|zip|tar|tgz|7z|png|jpe?g|gif|ico|webp|tiff?|bmp|pdf|woff2?|ttf|otf|eot|mp[34]|wav""",
    re.VERBOSE,
)
"""Suffixes of files that are not read: none of them is for certificates."""
_METADATA: Final = re.compile(r".*\.(dist|egg)-info")
_PEM: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]*(CERTIFICATE|PRIVATE KEY|PUBLIC KEY|PKCS7|X509 CRL)-----")
_DER: Final = re.compile(rb"\x30\x82..\x30(\x82..|\x81.)(\xa0\x03\x02\x01[\x00-\x02])?\x02", re.DOTALL)
"""Certificate ::= SEQUENCE { SEQUENCE { [0] { INTEGER version }, INTEGER serialNumber, ...; version 1 has none."""
_PKCS12: Final = re.compile(rb"\x30(\x82..|\x83...|\x80)\x02\x01\x03\x30", re.DOTALL)
"""PFX ::= SEQUENCE { INTEGER 3, SEQUENCE { ..."""
_KEY_STORES: Final = (b"\xfe\xed\xfe\xed\0\0\0", b"\xce\xce\xce\xce\0\0\0")


def may_hold_certificates(entry: Entry) -> bool:
    """Return whether a file is worth a look: small, and neither code nor media nor metadata by its name."""
    if entry.kind is not Kind.FILE or not _SHORTEST <= entry.size <= _LONGEST:
        return False
    folder, name = posixpath.split(entry.path)
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return not _OTHERS.fullmatch(suffix) and not any(map(_METADATA.fullmatch, folder.split("/")))


def holds_certificates(contents: bytes) -> bool:
    """Return whether the contents are certificates or keys: PEM anywhere in a text, else DER, PKCS #12 or JKS."""
    if b"\0" not in contents[:512] and b"-----BEGIN " in contents:
        return bool(_PEM.search(contents))
    return bool(_DER.match(contents) or _PKCS12.match(contents)) or contents.startswith(_KEY_STORES)
