"""The answer to ``clean``, as a value and as text."""

from dataclasses import dataclass

from deployer.words import counted, megabytes


@dataclass(frozen=True)
class CleanReport:
    """What goes, or went, of what ldeploy made for a function."""

    function: str
    state: str
    """``cleaned`` or ``planned``."""
    versions: tuple[str, ...]
    layers: tuple[str, ...]
    """ARNs of layer versions."""
    objects: tuple[str, ...]
    """``s3://bucket/key``."""
    bytes: int
    """Of the objects."""
    policies: tuple[str, ...]
    functions: tuple[str, ...]
    """Those on which a package was tried."""
    plan: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def clean_lines(report: CleanReport) -> list[str]:
    """Return the report as lines of text."""
    if not report.plan:
        return [f"{report.function}: there is nothing of ldeploy's that nobody needs"]
    if report.state == "planned":
        steps = [f"  {number:>2}. {step}" for number, step in enumerate(report.plan, 1)]
        return [f"{report.function}: this would be done", *steps]
    counts = (
        counted(len(report.versions), "version"),
        counted(len(report.layers), "layer version"),
        f"{counted(len(report.objects), 'object')} ({megabytes(report.bytes)})",
        counted(len(report.policies), "policy", "policies"),
        counted(len(report.functions), "trial function"),
    )
    return [f"{report.function}: gone are {', '.join(counts)}"]
