"""Puts the probe into a function's configuration, and takes it out again, exactly."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from deployer.errors import LdeployError
from deployer.instrumentation.layer_zip import (
    LAYER_NAME,
    OUR_LAYERS,
    PACKAGE_VARIABLE,
    SAMPLE_VARIABLE,
    START_LAYER_NAME,
    START_WRAPPER,
    UNLABELLED,
    WRAPPER,
    WRAPPER_VARIABLE,
)
from deployer.limits import ENVIRONMENT, LAYERS, MIB, NO_WRAPPER_RUNTIMES, PYTHON_RUNTIMES, STORAGE
from deployer.models.function import Configuration, Function

EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
"""https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper"""

FIT_WRAPPER = "/var/task/.ldeploy/start"
"""The wrapper in a package that was made to fit, or is guarded (``deployer/slim/pack.py``, ``deployer/slim/guard``).

The start layer leads to it; the environment names it where there is no room for a layer."""

STORAGE_VARIABLE = "LDEPLOY_STORAGE"
"""Environment variable with the MB of /tmp that the user gave such a function."""

COLD_VARIABLE = "LDEPLOY_COLD"
"""Environment variable that is changed so that Lambda starts fresh sandboxes; nobody reads it."""


def to_be_published(name: str) -> str:
    """Return what stands for a layer's ARN in a plan until the layer is published."""
    return f"{name}:to-be-published"


PROBE_LAYER = to_be_published(LAYER_NAME)
START_LAYER = to_be_published(START_LAYER_NAME)


def check(function: Function) -> None:
    """Check that a probe can be put in at all.

    Raises:
        LdeployError: an image, a runtime without wrapper or that is not Python.
    """
    if function.package_type == "Image":
        raise LdeployError(
            f"The function {function.name} is a container image.",
            "Only zip functions can be probed: images have no layers and no size limit of 250 MB.",
        )
    check_runtime(function.configuration.runtime)


def check_runtime(runtime: str) -> None:
    """Check that the probe layer is made for the runtime.

    Raises:
        LdeployError: it is not; the error names the runtimes that are.
    """
    if runtime.startswith(NO_WRAPPER_RUNTIMES):
        raise LdeployError(
            f"The runtime {runtime} does not honour {EXEC_WRAPPER}.",
            "Only managed Python runtimes can be probed.",
        )
    if runtime not in PYTHON_RUNTIMES:
        raise LdeployError(
            f"The runtime {runtime} is not supported by the probe.",
            f"The probe supports {PYTHON_RUNTIMES[0]} to {PYTHON_RUNTIMES[-1]}.",
        )


def log_warnings(function: Function | None) -> tuple[str, ...]:
    """Return what to know of the probe's lines in a log that takes warnings and errors alone."""
    if function is None or function.log_level not in {"WARN", "ERROR", "FATAL"}:
        return ()
    level = function.log_level
    text = (
        f"The log of {function.name} takes no lines below {level}, so the probe writes its own as {level}: two for a "
        "cold sandbox, and one for each invocation that touches something new. Alarms and rollbacks that count "
        f"{level} lines count them: filter out what holds ldeploy/2, or set ApplicationLogLevel to INFO meanwhile."
    )
    return (text,)


def is_armed(configuration: Configuration) -> bool:
    """Return whether the probe is in."""
    return PACKAGE_VARIABLE in configuration.environment


def is_by_template(configuration: Configuration) -> bool:
    """Return whether the probe is in and a template put it there (``template.yaml``)."""
    return configuration.environment.get(PACKAGE_VARIABLE, "").startswith(UNLABELLED)


def arm(configuration: Configuration, layer: str, label: str, share: float = 1.0) -> Configuration:
    """Return the configuration with the probe in: environment merged, the user's own wrapper chained, the layer last.

    Args:
        configuration: with or without a probe; a probe that is in is replaced.
        layer: ARN of the probe layer's version.
        label: what each log record carries: the label of the package that is deployed, and a nonce.
        share: of the sandboxes that report; 1 is all.

    Raises:
        LdeployError: five layers already, or an environment over 4 KB with the probe's variables added.
    """
    bare = disarm(configuration)
    environment = {**bare.environment, EXEC_WRAPPER: WRAPPER, PACKAGE_VARIABLE: label}
    if EXEC_WRAPPER in bare.environment:
        environment[WRAPPER_VARIABLE] = bare.environment[EXEC_WRAPPER]
    if share < 1:
        environment[SAMPLE_VARIABLE] = format(Decimal(repr(share)), "f")
    if len(bare.layers) >= LAYERS:
        raise LdeployError(
            f"The function has {len(bare.layers)} layers, and Lambda allows {LAYERS} with the probe's.",
            "Remove a layer while the probe is in (its files can be in the package).",
        )
    check_environment(environment)
    return replace(bare, environment=environment, layers=(*bare.layers, layer))


def check_environment(environment: Mapping[str, str]) -> None:
    """Check that Lambda accepts the environment.

    Raises:
        LdeployError: it is over 4 KB.
    """
    size = len(json.dumps(environment, separators=(",", ":")).encode())
    if size > ENVIRONMENT:
        raise LdeployError(
            f"The environment would have {size} bytes with ldeploy's variables, and Lambda allows {ENVIRONMENT}.",
            "Move a long value to Parameter Store or Secrets Manager, or shorten it.",
        )


def disarm(configuration: Configuration) -> Configuration:
    """Return the configuration without the probe: ``disarm(arm(c, …)) == c`` for every ``c`` without one."""
    if COLD_VARIABLE in configuration.environment:  # of a run that was killed
        bare = {name: value for name, value in configuration.environment.items() if name != COLD_VARIABLE}
        configuration = replace(configuration, environment=bare)
    if not is_armed(configuration):
        return configuration
    environment = dict(configuration.environment)
    del environment[PACKAGE_VARIABLE]
    environment.pop(SAMPLE_VARIABLE, None)
    wrapper = environment.pop(EXEC_WRAPPER, None)
    own = environment.pop(WRAPPER_VARIABLE, None)
    if wrapper not in {None, WRAPPER}:  # somebody else set another one since: theirs stays
        own = wrapper
    if own is not None:
        environment[EXEC_WRAPPER] = own
    layers = tuple(arn for arn in configuration.layers if not is_probe_layer(arn))
    return replace(configuration, environment=environment, layers=layers)


def fitted(configuration: Configuration, unpacked: int) -> Configuration:
    """Return the configuration of a package that was made to fit, or is guarded: its wrapper, the user's own chained,
    and space on /tmp for what is unpacked.

    The wrapper is that of the start layer: it starts other code too, if somebody replaces the package alone. Where
    there are five layers already, it is the package's own, without which nothing starts.

    Args:
        configuration: as the user wants it.
        unpacked: bytes that are unpacked at start.

    Raises:
        LdeployError: an environment over 4 KB with the variables added.
    """
    room = len(configuration.layers) < LAYERS
    wrapper = START_WRAPPER if room else FIT_WRAPPER
    environment = {**configuration.environment, EXEC_WRAPPER: wrapper, STORAGE_VARIABLE: str(configuration.storage)}
    if EXEC_WRAPPER in configuration.environment:
        environment[WRAPPER_VARIABLE] = configuration.environment[EXEC_WRAPPER]
    check_environment(environment)
    more = unpacked // MIB + 1 if unpacked else 0
    layers = (*configuration.layers, START_LAYER) if room else configuration.layers
    storage = min(STORAGE, configuration.storage + more)
    return replace(configuration, environment=environment, layers=layers, storage=storage)


def unfitted(configuration: Configuration) -> Configuration:
    """Return the configuration as the user wants it: ``unfitted(fitted(c, …)) == c`` for every ``c`` that was not
    fitted. The start layer goes even where somebody took the variables away since.
    """
    layers = tuple(arn for arn in configuration.layers if not is_start_layer(arn))
    configuration = replace(configuration, layers=layers)
    if STORAGE_VARIABLE not in configuration.environment:
        return configuration
    environment = dict(configuration.environment)
    storage = environment.pop(STORAGE_VARIABLE)
    own = environment.pop(WRAPPER_VARIABLE, None)
    if environment.get(EXEC_WRAPPER) in {FIT_WRAPPER, START_WRAPPER}:  # else somebody set another since: it stays
        del environment[EXEC_WRAPPER]
        environment |= {EXEC_WRAPPER: own} if own is not None else {}
    return replace(configuration, environment=environment, storage=int(storage) if storage.isdigit() else 512)


def without_ours(configuration: Configuration) -> Configuration:
    """Return the configuration as the user wants it: without the probe, and without what starts a guarded package."""
    return unfitted(disarm(configuration))


def is_probe_layer(arn: str) -> bool:
    """Return whether a layer version's ARN is that of one of our probe layers."""
    return own_layer(arn) == LAYER_NAME


def is_start_layer(arn: str) -> bool:
    """Return whether a layer version's ARN is that of one of our start layers."""
    return own_layer(arn) == START_LAYER_NAME


def own_layer(arn: str) -> str:
    """Return the name of the layer if it is one of those that ldeploy publishes as they are, or nothing.

    Args:
        arn: of a version, or what stands for it.
    """
    name = next(iter(arn.rsplit(":", 2)[-2:-1]), "")
    return name if name in OUR_LAYERS else ""


def raised(configuration: Configuration, memory: int | None, timeout: int | None) -> Configuration:
    """Return the configuration with more memory (MB) and time (s) while the probe is in; None changes nothing."""
    return replace(configuration, memory=memory or configuration.memory, timeout=timeout or configuration.timeout)


def unprobed(found: Configuration, before: Configuration, probed: Configuration) -> Configuration:
    """Return what is found without the probe and what the probe raised; keep what others changed meanwhile.

    Args:
        found: the configuration now.
        before: the configuration before the probe.
        probed: what the probe asked for, the probe itself left out.
    """
    bare, before = without_ours(found), unfitted(before)
    raised = {
        name: getattr(before, name)
        for name in ("memory", "timeout", "storage")
        if getattr(probed, name) != getattr(before, name) and getattr(bare, name) == getattr(probed, name)
    }
    return replace(bare, **raised)
