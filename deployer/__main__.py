"""``python -m deployer`` is ``ldeploy``."""

from deployer.cli import main

main()
