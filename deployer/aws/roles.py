"""IAM: whether a function's role may read its package, and the policy that permits it."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.aws.translate import code_of, translate_errors
from deployer.errors import CloudError

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

READ = "s3:GetObject"


@dataclass(frozen=True)
class Roles:
    """The roles of one account."""

    client: "IAMClient"

    def may_read(self, role: str, bucket: str, key: str) -> bool | None:
        """Return whether the role's policies let it read the object; None where that cannot be found out.

        A bucket's own policy is not looked at
        (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html).

        Args:
            role: ARN.
            bucket: of the object.
            key: of the object.
        """
        try:
            with translate_errors(f"ask what {role} may do"):
                answer = self.client.simulate_principal_policy(
                    PolicySourceArn=role, ActionNames=[READ], ResourceArns=[arn_of(role, bucket, key)]
                )
        except CloudError:  # whoever runs ldeploy may not ask, or the role is another account's
            return None
        return all(result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"])

    def attach(self, role: str, name: str, document: str) -> None:
        """Attach an inline policy; it replaces one of the same name."""
        with translate_errors(f"attach the policy {name} to {role}"):
            self.client.put_role_policy(RoleName=_name(role), PolicyName=name, PolicyDocument=document)

    def detach(self, role: str, name: str) -> None:
        """Delete an inline policy, if it is there."""
        try:
            with translate_errors(f"detach the policy {name} from {role}"):
                self.client.delete_role_policy(RoleName=_name(role), PolicyName=name)
        except CloudError as error:
            if code_of(error.__cause__) != "NoSuchEntity":
                raise


def policy(role: str, bucket: str, key: str) -> str:
    """Return the policy document (JSON) that lets the role read the object and nothing else."""
    statement = {"Effect": "Allow", "Action": READ, "Resource": arn_of(role, bucket, key)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def arn_of(role: str, bucket: str, key: str) -> str:
    """Return the object's ARN, in the role's partition."""
    return f"arn:{role.split(':')[1]}:s3:::{bucket}/{key}"


def _name(role: str) -> str:
    return role.rpartition("/")[2]
