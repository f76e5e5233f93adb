"""What ldeploy made in an account and nobody may need any more: versions, layer versions, objects, policies."""

import base64
import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from deployer.aws.functions import Functions
from deployer.aws.roles import Roles
from deployer.aws.storage import Storage
from deployer.aws.translate import translate_errors
from deployer.errors import MissingError


@dataclass(frozen=True)
class Version:
    """A published version of a function, or ``$LATEST``."""

    number: str
    note: str
    """Its description."""
    sha256: str
    """Of its code, hex."""
    bytes: int
    """Of its zip."""


@dataclass(frozen=True)
class LayerVersion:
    """A version of a layer."""

    arn: str
    note: str
    """Its description."""
    created: int
    """Milliseconds since 1970."""


@dataclass(frozen=True)
class Leftovers:
    """Looks for what is left, and deletes it."""

    functions: Functions
    storage: Storage
    roles: Roles

    def versions(self, name: str) -> list[Version]:
        """Return a function's versions, ``$LATEST`` too."""
        with translate_errors(f"list the versions of {name}"):
            pages = self.functions.client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
            found = [version for page in pages for version in page["Versions"]]
        return [
            Version(
                one["Version"],
                one.get("Description", ""),
                base64.b64decode(one.get("CodeSha256", "")).hex(),
                one.get("CodeSize", 0),
            )
            for one in found
        ]

    def is_called(self, name: str, version: str) -> bool:
        """Return whether somebody is permitted to call the version itself, or an event source does."""
        client = self.functions.client
        with translate_errors(f"look who calls version {version} of {name}"):
            with suppress(client.exceptions.ResourceNotFoundException):
                client.get_policy(FunctionName=name, Qualifier=version)
                return True
            return bool(client.list_event_source_mappings(FunctionName=f"{name}:{version}")["EventSourceMappings"])

    def layers(self, prefix: str) -> Iterator[LayerVersion]:
        """Yield each version of each layer whose name begins so."""
        client = self.functions.client
        with translate_errors("list the layers"):
            pages = client.get_paginator("list_layers").paginate()
            names = [layer["LayerName"] for page in pages for layer in page["Layers"]]
        for name in names:
            if name.startswith(prefix):
                with translate_errors(f"list the versions of the layer {name}"):
                    for page in client.get_paginator("list_layer_versions").paginate(LayerName=name):
                        for one in page["LayerVersions"]:
                            created = int(datetime.fromisoformat(one["CreatedDate"]).timestamp() * 1000)
                            yield LayerVersion(one["LayerVersionArn"], one.get("Description", ""), created)

    def layers_in_use(self, but: tuple[str, set[str]]) -> set[str]:
        """Return the ARNs of the layer versions that any version of any function uses.

        Args:
            but: a function, and versions of it that do not count.
        """
        used = set()
        with translate_errors("list the functions that use a layer"):
            for page in self.functions.client.get_paginator("list_functions").paginate(FunctionVersion="ALL"):
                for one in page["Functions"]:
                    if not (one["FunctionName"] == but[0] and one["Version"] in but[1]):
                        used |= {layer["Arn"] for layer in one.get("Layers") or ()}
        return used

    def keys(self, bucket: str, prefix: str) -> list[tuple[str, int]]:
        """Return the keys below a prefix, and the bytes of each object."""
        with translate_errors(f"list s3://{bucket}/{prefix}"):
            pages = self.storage.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [(one["Key"], one["Size"]) for page in pages for one in page.get("Contents", ())]

    def policies(self, role: str, names: Collection[str], about: str) -> list[str]:
        """Return those of these inline policies that the role has, and in whose documents this text stands."""
        own = role.rpartition("/")[2]
        with translate_errors(f"list the policies of {role}"):
            pages = self.roles.client.get_paginator("list_role_policies").paginate(RoleName=own)
            found = [name for page in pages for name in page["PolicyNames"] if name in names]
            return [
                name
                for name in found
                if about
                in json.dumps(self.roles.client.get_role_policy(RoleName=own, PolicyName=name)["PolicyDocument"])
            ]

    def has_function(self, name: str, note: str) -> bool:
        """Return whether there is a function of this name with this description."""
        with suppress(MissingError), translate_errors(f"look for the function {name}"):
            return self.functions.client.get_function_configuration(FunctionName=name).get("Description") == note
        return False

    def delete_version(self, name: str, version: str) -> None:
        """Delete a published version; one that is gone is as good."""
        with suppress(MissingError), translate_errors(f"delete version {version} of {name}"):
            self.functions.client.delete_function(FunctionName=name, Qualifier=version)

    def delete_layer(self, arn: str) -> None:
        """Delete a version of a layer; one that is gone is as good."""
        layer, _, version = arn.rpartition(":")
        with suppress(MissingError), translate_errors(f"delete the layer version {arn}"):
            self.functions.client.delete_layer_version(LayerName=layer, VersionNumber=int(version))
