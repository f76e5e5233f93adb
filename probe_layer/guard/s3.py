"""Ranges of one object in S3: signed by hand (Signature Version 4), over a plain socket.

botocore would take half a second to load, and http.client 20 ms.
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from typing import Any, Callable, NamedTuple

from probe_layer.guard.failure import FetchError

_ATTEMPTS = 3
_PAUSE = 0.1
_PIECE = 1 << 18
_LONGEST_HEAD = 1 << 16
_BUSY = (429, 500, 502, 503, 504)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


class Answer(NamedTuple):
    """An HTTP response, its body not read yet."""

    status: int
    headers: dict[str, str]
    body: Body


class Endpoint(NamedTuple):
    """Where a server is."""

    host: str
    port: int
    tls: bool
    path: str

    @property
    def name(self) -> str:
        """As the Host header has it."""
        return self.host if self.port in (80, 443) else "%s:%d" % (self.host, self.port)


class Body:
    """The bytes of a response, by as many as are wanted."""

    def __init__(self, connection: Any, begun: bytes, length: int, heard: Callable[[int], None]) -> None:
        self._connection, self._begun, self.left, self._heard = connection, begun, length, heard

    def read(self, most: int) -> bytes:
        """The next bytes; none at the end.

        Raises:
            OSError: the connection ended before that.
        """
        if not self.left:
            return b""
        data = self._begun or self._connection.recv(min(_PIECE, self.left))
        if not data:
            raise ConnectionError("the connection ended too soon")
        data, self._begun = data[: min(most, self.left)], data[min(most, self.left) :]
        self.left -= len(data)
        self._heard(len(data))
        return data

    def close(self) -> None:
        """Nothing: the connection is another's."""


class Bucket:
    """An object in S3, the same one for as long as it is read.

    Args:
        about: ``bucket``, ``key``, ``etag``, ``bytes``, ``region``.
        environment: the runtime's, with its credentials.
        heard: called with how many bytes came.
        answered: called when the bytes that were asked for begin to come.
    """

    def __init__(
        self,
        about: dict[str, Any],
        environment: dict[str, str],
        heard: Callable[[int], None],
        answered: Callable[[], None],
    ) -> None:
        self._about, self._environment, self._heard, self._answered = about, environment, heard, answered
        self._endpoint = find_endpoint(about, environment)
        self._connection: Any = None
        self._credentials: tuple[str, str, str] | None = None
        self.requests = 0

    def __str__(self) -> str:
        return "s3://%(bucket)s/%(key)s" % self._about

    def open(self, start: int, end: int) -> Body:
        """The bytes from ``start`` up to ``end``.

        Raises:
            FetchError: S3 refuses, is not reached, or has another object there.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = self._ask(start, min(end, self._about["bytes"]))
                if answer.status not in _BUSY:
                    return self._judged(answer)
                problem = "S3 answers %d" % answer.status
            except OSError as error:
                self._refuse_untrusted(error)
                problem = str(error) or type(error).__name__
            self.forget()
            time.sleep(_PAUSE * attempt)
        raise FetchError("guard-unreachable", "%s cannot be read: %s" % (self, problem))

    def forget(self) -> None:
        """The connection is not used again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, start: int, end: int) -> Answer:
        if self._credentials is None:
            self._credentials = find_credentials(self._environment, self._heard)
        if self._connection is None:
            self._connection = connect(self._endpoint, self._environment)
        headers = {"range": "bytes=%d-%d" % (start, end - 1)}
        if self._about["etag"]:
            headers["if-match"] = self._about["etag"]
        signed = sign(self._endpoint, headers, self._credentials, self._about["region"])
        self.requests += 1
        return ask(self._connection, self._endpoint.path, signed, self._heard)

    def _judged(self, answer: Answer) -> Body:
        whole = answer.headers.get("content-range", "").rpartition("/")[2]
        if answer.status in (401, 403):
            raise self._refused("guard-denied", "the function's role may not read %s: it needs s3:GetObject on it")
        if answer.status == 404:
            raise self._refused("guard-gone", "%s is gone: run ldeploy shrink again")
        if answer.status in (412, 416) or (answer.status == 206 and whole != str(self._about["bytes"])):
            raise self._refused("guard-changed", "%s was replaced by another object: run ldeploy shrink again")
        if answer.status != 206:
            raise FetchError("guard-unreachable", "%s cannot be read: S3 answers %d" % (self, answer.status))
        self._answered()
        return answer.body

    def _refused(self, fault: str, text: str) -> FetchError:
        return FetchError(fault, text % self, lasting=True)

    def _refuse_untrusted(self, error: OSError) -> None:
        if "CertVerification" in type(error).__name__ or "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise FetchError("guard-untrusted", "%s: %s" % (self, error), lasting=True) from error


def find_endpoint(about: dict[str, Any], environment: dict[str, str]) -> Endpoint:
    """Where the object is: a name that is no DNS label, or has a dot (TLS), goes into the path."""
    own = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    place = quote(about["key"])
    if own:
        given = split(own)
        return given._replace(path="%s/%s/%s" % (given.path.rstrip("/"), about["bucket"], place))
    region = about["region"]
    host = "s3.%s.amazonaws.com%s" % (region, ".cn" if region.startswith("cn-") else "")
    if "." in about["bucket"]:
        return Endpoint(host, 443, True, "/%s/%s" % (about["bucket"], place))
    return Endpoint("%s.%s" % (about["bucket"], host), 443, True, "/" + place)


def find_credentials(environment: dict[str, str], heard: Callable[[int], None]) -> tuple[str, str, str]:
    """Key, secret and token: of the environment or, in a sandbox restored from a snapshot, of its own endpoint.

    Raises:
        FetchError: there are none.
    """
    if environment.get("AWS_ACCESS_KEY_ID"):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return tuple(environment.get(name, "") for name in names)  # type: ignore[return-value]
    place = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not place:
        raise FetchError("guard-denied", "there are no credentials to read from S3 with", lasting=True)
    endpoint = split(place)
    token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    connection = connect(endpoint, environment)
    answer = ask(connection, endpoint.path, {"host": endpoint.name, "authorization": token}, heard)
    body = b""
    while data := answer.body.read(_PIECE):
        body += data
    connection.close()
    try:
        told = json.loads(body)
        return told["AccessKeyId"], told["SecretAccessKey"], told["Token"]
    except (ValueError, KeyError, TypeError) as error:
        raise FetchError("guard-denied", "%s gives no credentials" % endpoint.name) from error


def sign(endpoint: Endpoint, headers: dict[str, str], credentials: tuple[str, str, str], region: str) -> dict[str, str]:
    """All headers of a GET, signed."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    key, secret, token = credentials
    nothing = hashlib.sha256(b"").hexdigest()
    every = dict(headers, host=endpoint.name)
    every.update({"x-amz-date": now, "x-amz-content-sha256": nothing})
    if token:
        every["x-amz-security-token"] = token
    names = ";".join(sorted(every))
    lines = "".join("%s:%s\n" % (name, every[name]) for name in sorted(every))
    request = "GET\n%s\n\n%s\n%s\n%s" % (endpoint.path, lines, names, nothing)
    scope = "%s/%s/s3/aws4_request" % (now[:8], region)
    text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (now, scope, hashlib.sha256(request.encode()).hexdigest())
    signing = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        signing = hmac.new(signing, part.encode(), "sha256").digest()
    signature = hmac.new(signing, text.encode(), "sha256").hexdigest()
    given = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
    return dict(every, authorization=given % (key, scope, names, signature))


def quote(text: str) -> str:
    """As S3 signs it."""
    return "".join(chr(byte) if byte in _UNRESERVED else "%%%02X" % byte for byte in text.encode())


def split(url: str) -> Endpoint:
    """The parts of an address."""
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    host, _, port = place.partition(":")
    tls = scheme == "https"
    return Endpoint(host, int(port) if port else 443 if tls else 80, tls, slash + path)


def connect(endpoint: Endpoint, environment: dict[str, str]) -> Any:
    """A connection, over TLS where the address says so."""
    plain = socket.create_connection((endpoint.host, endpoint.port), 1)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not endpoint.tls:
        return plain
    import ssl  # noqa: PLC0415 - 15 ms that only TLS needs

    authorities = environment.get("AWS_CA_BUNDLE") or environment.get("SSL_CERT_FILE") or None
    return ssl.create_default_context(cafile=authorities).wrap_socket(plain, server_hostname=endpoint.host)


def ask(connection: Any, path: str, headers: dict[str, str], heard: Callable[[int], None]) -> Answer:
    """Sends a GET; the answer.

    Raises:
        OSError: the connection ended, or what came is no answer.
    """
    lines = "".join("%s: %s\r\n" % pair for pair in headers.items())
    connection.sendall(("GET %s HTTP/1.1\r\n%s\r\n" % (path, lines)).encode("latin-1"))
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(_PIECE)
        if not more or len(data) > _LONGEST_HEAD:
            raise ConnectionError("the connection ended, or what came is no answer")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *others = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in others)
    found = {name.strip().lower(): value.strip() for name, _, value in pairs}
    try:
        return Answer(int(first.split()[1]), found, Body(connection, rest, int(found.get("content-length", 0)), heard))
    except (ValueError, IndexError) as error:
        raise ConnectionError("what came is no answer") from error
