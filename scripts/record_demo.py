"""Records a run of scripts/demo: docs/demo.md, and pictures of the page that the demo leaves."""

import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
PAGE: Final = ROOT / ".demo/tiles/.ldeploy/demo-tiles/page.html"
RUN: Final = re.compile(r"(?<=<!-- demo -->\n).*?(?=<!-- /demo -->)", re.DOTALL)
DESK: Final = {"viewport": {"width": 1280, "height": 900}}
PICTURES: Final[dict[str, dict[str, Any]]] = {
    "page-light": {**DESK, "color_scheme": "light"},
    "page-dark": {**DESK, "color_scheme": "dark"},
    "page-phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


def main() -> None:
    """Run the demo, keep what it said, take the pictures."""
    ran = subprocess.run(
        ["scripts/demo"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if ran.returncode:
        sys.exit(ran.stdout)
    page = DOCS / "demo.md"
    told = (
        f"This run is of {date.today().isoformat()}.\n\n```\n$ scripts/demo\n{_from_the_first_title(ran.stdout)}```\n"
    )
    page.write_text(RUN.sub(lambda _: told, page.read_text()))
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("The run is in docs/demo.md; there is no Chromium for the pictures (Debian's package chromium).")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        for name, how in PICTURES.items():
            _take(browser, DOCS / f"{name}.png", how)
        browser.close()


def _from_the_first_title(said: str) -> str:
    """Leave out what the set-up and pip's settings on this machine say."""
    lines = said[said.index("== ") :].replace(str(ROOT), "…").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("WARNING: ", "[notice]")))


def _take(browser: Browser, path: Path, how: dict[str, Any]) -> None:
    tab = browser.new_context(offline=True, **how).new_page()
    tab.goto(PAGE.as_uri())
    tab.wait_for_selector("html[data-drawn]")
    tab.screenshot(path=path)


if __name__ == "__main__":
    main()
