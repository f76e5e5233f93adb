"""Certificates are known by what they are, and kept although they are read at the first connection only."""

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from deployer.models.package import Entry, Kind
from deployer.models.whitelist import Reason
from deployer.package import examine, index
from deployer.package.certificates import holds_certificates, may_hold_certificates
from deployer.whitelist import carry_over
from tests.unit.test_manifest import Memory
from tests.unit.whitelists import chosen, evidence, examined, package, reasons

PEM = b"-----BEGIN CERTIFICATE-----\n"


def entry(path: str, size: int = 1000) -> Entry:
    return Entry(path, Kind.FILE, size, size, 0, 0o644, 0, 0)


def certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(days=9))
    return made.sign(key, hashes.SHA256())


def real() -> dict[str, bytes]:
    """Certificates and keys in each encoding."""
    found = {}
    for kind, key in (("ec", ec.generate_private_key(ec.SECP256R1())), ("rsa", rsa.generate_private_key(65537, 2048))):
        made = certificate(key)
        found[f"{kind} pem"] = b"# a comment\n" * 900 + made.public_bytes(Encoding.PEM)
        found[f"{kind} der"] = made.public_bytes(Encoding.DER)
        found[f"{kind} p12"] = pkcs12.serialize_key_and_certificates(
            b"x", key, made, None, BestAvailableEncryption(b"secret")
        )
        found[f"{kind} key"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found


def test_real_ones_are_known_in_each_encoding() -> None:
    assert [name for name, contents in real().items() if not holds_certificates(contents)] == []


@pytest.mark.parametrize(
    "contents",
    [
        PEM,
        b"Certificate:\n    Data:\n        Version: 3 (0x2)\n" + PEM,
        b"\xef\xbb\xbf-----BEGIN TRUSTED CERTIFICATE-----\r\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"-----BEGIN X509 CRL-----\n",
        b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1",
    ],
)
def test_contents_that_are_certificates(contents: bytes) -> None:
    assert holds_certificates(contents)


@pytest.mark.parametrize(
    "contents",
    [b"", b"CERTIFICATE of attendance", b"-----BEGIN PGP MESSAGE-----\n", b"-----BEGIN", b"\0" + PEM, b"\x30\x82\1\2\4",
     b"\x7fELF" + bytes(600) + PEM],
)  # fmt: skip
def test_contents_that_are_none(contents: bytes) -> None:
    assert not holds_certificates(contents)


@pytest.mark.parametrize(
    "path", ["grpc/_cython/_credentials/roots.pem", "httplib2/cacerts.txt", "ssl/ca-certs.crt", "lib/security/cacerts",
             "a/5ed36f99.0", "a.b/TRUST.JKS", "etc/anything.at-all"],
)  # fmt: skip
def test_any_name_is_looked_at(path: str) -> None:
    assert may_hold_certificates(entry(path))


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("a/m.py", 999),
        ("a/l.so", 999),
        ("a/d.json", 999),
        ("n-1.dist-info/METADATA", 999),
        ("big", 2 << 20),
        ("small", 9),
    ],
)
def test_what_cannot_be_one_is_not_read(path: str, size: int) -> None:
    assert not may_hold_certificates(entry(path, size))


def a_zip(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files.items():
            archive.writestr(name, contents)
    return stream.getvalue()


def test_a_package_is_looked_into_once() -> None:
    metadata = {"n-1.dist-info/METADATA": b"Name: n\nVersion: 1\n", "n-1.dist-info/RECORD": b"n/trust,,\n"}
    files = {"app.py": PEM, "n/trust": PEM, "notes.txt": b"nothing" * 9, **metadata}
    source = Memory(a_zip(files))
    found = examine(source, index(source))
    assert found.certificates == {"n/trust"}
    assert [(one.name, set(one.files)) for one in found.distributions] == [("n", {"n/trust"})]


# -- which of them are kept ------------------------------------------------------------------------------------------

WHOLE = package(
    "app.py", "n/a.py", "n/trust", "n-1.0.dist-info/METADATA", "o/trust", "o-1.0.dist-info/METADATA", "rds/own"
)
BUNDLES = ("n/trust", "o/trust", "rds/own")


def test_those_of_a_kept_distribution_and_those_of_none_are_kept() -> None:
    found = reasons(chosen(WHOLE, evidence("n/a.py"), names=("n", "o"), certificates=BUNDLES))
    certificates = {path for path, reason in found.items() if reason is Reason.CERTIFICATES}
    assert certificates == {"n/trust", "rds/own"}


def test_a_fresh_build_keeps_a_bundle_that_an_older_ldeploy_dropped() -> None:
    before = chosen(WHOLE, evidence("n/a.py"), names=("n", "o"))
    assert not before.decisions["n/trust"].kept
    after = carry_over(before, examined(WHOLE, "n", "o", certificates=BUNDLES))
    assert {path for path in BUNDLES if after.decisions[path].kept} == {"n/trust", "rds/own"}
