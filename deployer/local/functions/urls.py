"""Function URLs: one for a function's $LATEST and one for each alias, led to this machine."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from deployer.local.functions import rules

CHANGEABLE: Final = ("AuthType", "Cors", "InvokeMode")


def now() -> str:
    """Return the time as Lambda writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass
class FunctionUrl:
    """One URL; its identifier is the first label of its host's name."""

    arn: str
    """The function's, with the alias where the URL is of one."""
    region: str
    config: dict[str, Any]
    identifier: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: str = field(default_factory=now)
    modified: str = field(default_factory=now)

    def address(self, endpoint: str) -> str:
        """Return the URL that works here: ``http://<id>.lambda-url.<region>.localhost:<port>/``."""
        return f"http://{self.identifier}.lambda-url.{self.region}.localhost:{endpoint.rpartition(':')[2]}/"

    def to_dict(self, endpoint: str) -> dict[str, Any]:
        """Return GetFunctionUrlConfig's answer."""
        given = {key: self.config[key] for key in CHANGEABLE if self.config.get(key)}
        return {
            "FunctionUrl": self.address(endpoint),
            "FunctionArn": self.arn,
            "AuthType": "NONE",
            "InvokeMode": "BUFFERED",
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            **given,
        }

    def update(self, config: dict[str, Any]) -> None:
        """Change what is given."""
        self.config.update({key: config[key] for key in CHANGEABLE if config.get(key) is not None})
        self.modified = now()


class FunctionUrls:
    """The URLs of one account and region."""

    def __init__(self) -> None:
        self._urls: dict[tuple[str, str | None], FunctionUrl] = {}

    def create(self, name: str, qualifier: str | None, made: FunctionUrl) -> FunctionUrl:
        """Keep a new one.

        Raises:
            ResourceConflictError: there is one already.
        """
        if (name, qualifier) in self._urls:
            arn = self._urls[name, qualifier].arn
            raise rules.ResourceConflictError(
                "Failed to create function url config for "
                f"[functionArn = {arn}]. Error message: FunctionUrlConfig exists for this Lambda function"
            )
        self._urls[name, qualifier] = made
        return made

    def get(self, name: str, qualifier: str | None) -> FunctionUrl:
        """Return the one of a function or of its alias.

        Raises:
            NotFoundError: it has none.
        """
        found = self._urls.get((name, qualifier))
        if found is None:
            raise rules.NotFoundError("The resource you requested does not exist.")
        return found

    def delete(self, name: str, qualifier: str | None) -> None:
        """Take one away.

        Raises:
            NotFoundError: there is none.
        """
        self.get(name, qualifier)
        del self._urls[name, qualifier]

    def forget(self, name: str) -> None:
        """Take away all of a function that is deleted."""
        self._urls = {key: url for key, url in self._urls.items() if key[0] != name}

    def of(self, name: str) -> list[FunctionUrl]:
        """Return all of a function."""
        return [url for key, url in self._urls.items() if key[0] == name]

    def __iter__(self) -> Iterator[FunctionUrl]:
        return iter(list(self._urls.values()))
