"""Versions and aliases of a function, and the function on which a package is tried."""

import base64
from dataclasses import dataclass
from typing import Any

from deployer.aws.descriptions import place_of, read_function, settings_of
from deployer.aws.functions import Functions
from deployer.aws.translate import translate_errors
from deployer.errors import ConflictError, DeniedError, MissingError
from deployer.models.function import Configuration, Function, Routing, StoredZip


@dataclass(frozen=True)
class Releases:
    """What leads to a function's code beside ``$LATEST``."""

    functions: Functions

    def _published(self, name: str) -> list[dict[str, Any]]:
        """Return what Lambda tells of each published version, the oldest first."""
        with translate_errors(f"list the versions of {name}"):
            pages = self.functions.client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
            found: list[Any] = [version for page in pages for version in page["Versions"]]
            return [version for version in found if version["Version"] != "$LATEST"]

    def versions(self, name: str) -> set[str]:
        """Return the published versions."""
        return {version["Version"] for version in self._published(name)}

    def version_with(self, name: str, code_sha256: str) -> str | None:
        """Return the newest published version that has this code, or None."""
        codes = {
            base64.b64decode(version.get("CodeSha256", "")).hex(): version["Version"]
            for version in self._published(name)
        }
        return codes.get(code_sha256)

    def noted(self, name: str, note: str) -> list[tuple[str, Function]]:
        """Return each published version whose description begins with a note, the oldest first."""
        known = [one["Version"] for one in self._published(name) if one.get("Description", "").startswith(note)]
        with translate_errors(f"look at the versions of {name}"):
            return [(version, read_function(self._configuration(name, version))) for version in known]

    def _configuration(self, name: str, version: str) -> Any:
        return self.functions.client.get_function_configuration(FunctionName=name, Qualifier=version)

    def has_layer(self, arn: str) -> bool:
        """Return whether a layer's version is there; one that may not be looked at is."""
        try:
            self.functions.layer_url(arn)
        except MissingError:
            return False
        except DeniedError:
            return True
        return True

    def newest_layer(self, arn: str) -> str:
        """Return the newest version of the same layer, or nothing where all are gone."""
        layer = arn.rpartition(":")[0]
        with translate_errors(f"list the versions of the layer {layer}"):
            found = self.functions.client.list_layer_versions(LayerName=layer)["LayerVersions"]
        return max(found, key=lambda one: one["Version"])["LayerVersionArn"] if found else ""

    def create_like(self, like: str, name: str, wanted: Configuration, code: StoredZip, note: str) -> None:
        """Create a function with the role, network, layers and keys of another one; wait until it is active.

        Args:
            like: the name of the other one.
            name: its own.
            wanted: its configuration.
            code: its zip.
            note: its description.

        Raises:
            DeniedError: with the permissions that are missing.
        """
        with translate_errors(f"find the function {like}"):
            found: Any = self.functions.client.get_function_configuration(FunctionName=like)
        network = {key: value for key, value in found.get("VpcConfig", {}).items() if key != "VpcId" and value}
        copied: Any = {key: found[key] for key in ("KMSKeyArn", "FileSystemConfigs") if found.get(key)}
        copied |= {"VpcConfig": network} if network else {}
        self.functions.patiently(
            f"create the function {name} for the trial",
            lambda: self.functions.client.create_function(
                FunctionName=name,
                Description=note,
                Code=place_of(code),
                Architectures=[wanted.architecture],
                PackageType="Zip",
                **settings_of(wanted, {}),
                **copied,
            ),
        )
        self.functions.ready(name)

    def delete_noted(self, name: str, note: str) -> None:
        """Delete a function that has this description, where there is one.

        Raises:
            ConflictError: there is one of that name with another description.
        """
        try:
            with translate_errors(f"look for the function {name}"):
                found = self.functions.client.get_function_configuration(FunctionName=name)
        except MissingError:
            return
        if found.get("Description") != note:
            raise ConflictError(f"There is a function {name}, which is not ldeploy's.", "Rename it, or --trial after.")
        with translate_errors(f"delete the function {name}"):
            self.functions.client.delete_function(FunctionName=name)

    def aliases(self, name: str) -> dict[str, Routing]:
        """Return each alias of a function, and where it leads."""
        found = {}
        with translate_errors(f"list the aliases of {name}"):
            for page in self.functions.client.get_paginator("list_aliases").paginate(FunctionName=name):
                for alias in page["Aliases"]:
                    weights: Any = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}
                    found[alias["Name"]] = Routing(alias["FunctionVersion"], weights)
        return found

    def move_alias(self, name: str, alias: str, to: Routing) -> None:
        """Let an alias lead elsewhere."""
        self.functions.patiently(  # a version just published is still pending for a while
            f"move the alias {alias} of {name}",
            lambda: self.functions.client.update_alias(
                FunctionName=name,
                Name=alias,
                FunctionVersion=to.version,
                RoutingConfig={"AdditionalVersionWeights": dict(to.weights)},
            ),
        )

    def provisioned(self, name: str, qualifiers: set[str]) -> set[str]:
        """Return which of these versions and aliases have provisioned concurrency."""
        found = set()
        with translate_errors(f"list the provisioned concurrency of {name}"):
            pages = self.functions.client.get_paginator("list_provisioned_concurrency_configs")
            for page in pages.paginate(FunctionName=name):
                for config in page["ProvisionedConcurrencyConfigs"]:
                    found.add(config["FunctionArn"].rpartition(":")[2])
        return found & qualifiers
