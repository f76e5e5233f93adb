"""IAM: SimulatePrincipalPolicy, which moto lacks, by moto's own reading of policies."""

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.responses import IamResponse


class RolesResponse(IamResponse):  # type: ignore[misc]
    """One request."""

    def simulate_principal_policy(self) -> ActionResult:
        """Answer for each action on each resource, by the policies of a role.

        Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        """
        role = self._get_param("PolicySourceArn").rpartition("/")[2]
        policies = self._policies(role)
        resources = self._get_param("ResourceArns") or ["*"]
        results = [
            {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decide(policies, action, resource)}
            for action in self._get_param("ActionNames")
            for resource in resources
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def _policies(self, role: str) -> list[IAMPolicy]:
        self.backend.get_role(role)  # raises where there is none
        inline = [self.backend.get_role_policy(role, name)[1] for name in self.backend.list_role_policies(role)]
        attached, _ = self.backend.list_attached_role_policies(role)
        managed = [self.backend.get_policy(policy.arn) for policy in attached]
        return [IAMPolicy(policy) for policy in [*map(_text, inline), *managed]]


def _text(document: Any) -> str:
    """Return a policy as JSON: one that came by CloudFormation is a mapping."""
    return document if isinstance(document, str) else json.dumps(document)


def decide(policies: list[Any], action: str, resource: str) -> str:
    """Return ``allowed``, ``explicitDeny`` or ``implicitDeny``."""
    found = {policy.is_action_permitted(action, resource) for policy in policies}
    if PermissionResult.DENIED in found:
        return "explicitDeny"
    return "allowed" if PermissionResult.PERMITTED in found else "implicitDeny"
