"""IAM: SimulatePrincipalPolicy, which moto lacks."""

import json
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from deployer.local.policies import Asked, decide


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
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": str(decide(policies, Asked(action, resource))),
            }
            for action in self._get_param("ActionNames")
            for resource in resources
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def _policies(self, role: str) -> list[dict[str, Any]]:
        self.backend.get_role(role)  # raises where there is none
        inline = [self.backend.get_role_policy(role, name)[1] for name in self.backend.list_role_policies(role)]
        attached, _ = self.backend.list_attached_role_policies(role)
        return [read(policy) for policy in (*inline, *(self.backend.get_policy(one.arn) for one in attached))]


def read(policy: Any) -> dict[str, Any]:
    """Return a policy's document: one that came by CloudFormation is a mapping, a managed one has versions."""
    if hasattr(policy, "versions"):
        return read(next(one.document for one in policy.versions if one.is_default))
    return dict(policy) if isinstance(policy, Mapping) else dict(json.loads(policy))
