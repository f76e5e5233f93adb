"""The frame of what a stack makes of a resource of one type."""

from moto.core.common_models import CloudFormationModel


class Model(CloudFormationModel):  # type: ignore[misc]
    """One type of resource."""

    kind = ""
    """What templates call it."""
    name = ""
    """The property that names it; empty where it has no name of its own."""

    @classmethod
    def cloudformation_name_type(cls) -> str:
        """Return the property that names it."""
        return cls.name

    @classmethod
    def cloudformation_type(cls) -> str:
        """Return the type's name in a template."""
        return cls.kind
