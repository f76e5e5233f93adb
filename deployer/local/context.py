"""What all parts of one embedded AWS have in common."""

from dataclasses import dataclass

from deployer.local.sandbox.code_store import CodeStore
from deployer.local.sandbox.image import Images
from deployer.local.sandbox.pool import Pool


@dataclass
class LocalContext:
    """Handed to moto's backends, which moto itself makes, one for each account and region."""

    endpoint: str
    """``http://127.0.0.1:<port>``."""
    store: CodeStore
    images: Images
    pool: Pool
    settle: float
    """Seconds that a function is Pending, or its update InProgress."""

    def move(self, endpoint: str, pool: Pool) -> None:
        """Go on at another port, with other sandboxes."""
        self.endpoint, self.pool = endpoint, pool

    def download_url(self, sha256: str) -> str:
        """Return where a zip can be downloaded without credentials."""
        return f"{self.endpoint}{DOWNLOADS}{sha256}"


DOWNLOADS = "/_ldeploy/code/"
