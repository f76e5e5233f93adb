"""Why something could not be brought: told in the log, and remembered."""


class FetchError(Exception):
    """It cannot be had.

    Args:
        fault: its name in the log.
        text: what and where, and what to do.
        lasting: whether another attempt in this runtime's life would meet the same.
        of_file: whether others may be had all the same.
    """

    def __init__(self, fault: str, text: str, lasting: bool = False, of_file: bool = False) -> None:
        super().__init__(text)
        self.fault, self.lasting, self.of_file = fault, lasting, of_file


def damaged(path: str, place: str) -> FetchError:
    """The bytes are not those of the package that was shrunk."""
    text = "%s in %s is not what was shrunk: run ldeploy shrink again" % (path, place)
    return FetchError("guard-damaged", text, lasting=True, of_file=True)
