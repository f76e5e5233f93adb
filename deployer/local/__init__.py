"""An AWS on this machine: S3, Lambda, Logs, IAM, STS and CloudFormation on 127.0.0.1, and invocations that run.

    with LocalAws() as aws:                      # a free port, server in a thread of this process
        subprocess.run(command, env=aws.environment())
        boto3.client("lambda", endpoint_url=aws.endpoint_url, ...)

The flow of an invocation, a module a step::

    server     starts and stops it all
    gateway    in front of moto: names of functions, downloads, faults (``faults``, ``operations``)
    responses  Lambda's REST API          backend    its rules (``rules``) on moto's records (``function``)
    pool       a sandbox, warm or new     instance   its life: start-up, timeouts, START, END, REPORT (``lines``)
    sandbox    processes in a namespace (``namespace``, ``image``, ``environment``; code from ``code_store``)
    runtime_api, logs   what the runtime asks and answers; what it prints, on its way to CloudWatch

moto (https://docs.getmoto.org) answers for everything but Lambda's own behaviour. What is not imitated: memory and
CPU limits, the size of /tmp, retries of Event invocations, SnapStart, VPCs, runtimes other than this interpreter's
own minor version (unless a root file system with their interpreter is given: ``images``), and the pipe of its own by
which Lambda's runtime client sends the logging module's messages: here they are lines of the output, in the order in
which they were written, as under the runtime client's default.
"""

from deployer.local.faults import Kind
from deployer.local.sandbox.instance import Limits
from deployer.local.sandbox.sandbox import Isolation
from deployer.local.server import LocalAws

__all__ = ["Isolation", "Kind", "Limits", "LocalAws"]
