"""ldeploy: a Lambda function that holds only the files its real invocations touch."""

__version__ = "0.1.0"
