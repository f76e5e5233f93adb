#!/usr/bin/env python3
"""Makes root file systems with other Pythons, architectures and C libraries from Debian's archive, without a container.

Each is kept in a folder of its own (``$LDEPLOY_IMAGES``, else ``~/.cache/ldeploy/images``) and laid out as Lambda's:
the interpreter at /var/lang, its runtime client in /var/lang/lib/python3.X/site-packages. Nothing of Debian's is run to
make one, so that arm64 needs no emulator here: debootstrap checks the signatures and fetches, dpkg-deb and pip unpack.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployer.local.sandbox.image import DISTRIBUTIONS
from deployer.models.image import Architecture, images_folder, kept_image, read_image

NOT_HERE: Final = 3
"""Exit code where this machine cannot have the images."""
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TOOLS: Final = {
    "/usr/sbin/debootstrap": "debootstrap",
    str(KEYRING): "debian-archive-keyring",
    "/usr/bin/dpkg-deb": "dpkg",
    "/usr/bin/qemu-aarch64-static": "qemu-user-static",
}
BINFMT: Final = Path("/proc/sys/fs/binfmt_misc")
ARM64: Final = (
    r":qemu-aarch64:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:"
    "/usr/bin/qemu-aarch64-static:F"
)
"""What the kernel is told (binfmt_misc): F keeps the emulator open, so that it works in every mount namespace."""
UNUSED: Final = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache", "debootstrap")


@dataclass(frozen=True)
class Wanted:
    """One of the images that there are."""

    runtime: str
    suite: str
    """Of Debian."""
    architecture: Architecture = "x86_64"
    extra: tuple[str, ...] = ()
    """Packages of Debian with parts of the standard library that Lambda has."""

    @property
    def name(self) -> str:
        """Also its folder's."""
        return f"{self.runtime}-{self.architecture}"

    @property
    def debian(self) -> str:
        """Debian's name of the architecture."""
        return {"x86_64": "amd64", "arm64": "arm64"}[self.architecture]

    @property
    def is_there(self) -> bool:
        """Whether it was made before."""
        return kept_image(self.runtime, self.architecture) is not None


IMAGES: Final = {
    one.name: one
    for one in (
        Wanted("python3.9", "bullseye", extra=("python3-distutils",)),
        Wanted("python3.11", "bookworm", extra=("python3-distutils",)),
        Wanted("python3.13", "trixie"),
        Wanted("python3.14", "sid"),
        Wanted("python3.11", "bookworm", "arm64", extra=("python3-distutils",)),
        Wanted("python3.13", "trixie", "arm64"),
    )
}


class NotHereError(Exception):
    """This machine, or its network, does not let us have an image; the text says why."""


def main() -> int:
    """Make the images that are named, or all; those that are there already stay as they are."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(IMAGES)}; all without one")
    asked.add_argument("--again", action="store_true", help="make them anew")
    asked.add_argument("--list", action="store_true", help="say which there are, and make none")
    given = asked.parse_args()
    if unknown := set(given.names) - IMAGES.keys():
        asked.error(f"there is no {', '.join(sorted(unknown))}")
    wanted = [IMAGES[name] for name in given.names or IMAGES]
    try:
        if not given.list:
            make_all([one for one in wanted if given.again or not one.is_there])
    except (NotHereError, subprocess.CalledProcessError) as error:
        print(f"Images cannot be made here: {error}", file=sys.stderr)
        return NOT_HERE
    for one in (one for one in wanted if one.is_there):
        print(f"--image {one.runtime}={images_folder() / one.name}")
    return 0


def make_all(wanted: Sequence[Wanted]) -> None:
    """Make images, one after another.

    Raises:
        NotHereError: something that they need is not to be had.
    """
    if wanted:
        need_tools()
    if any(one.architecture == "arm64" for one in IMAGES.values()) and os.uname().machine != "aarch64":
        register_emulator()
    for one in wanted:
        began = time.monotonic()
        print(f"{one.name}: Debian {one.suite} …", file=sys.stderr, flush=True)
        make(one)
        print(f"{one.name}: made in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


# -- what this machine must have -------------------------------------------------------------------------------


def need_tools() -> None:
    """Install what is missing, where that is possible.

    Raises:
        NotHereError: it is not; names what to install.
    """
    missing = [package for file, package in TOOLS.items() if not Path(file).exists()]
    if os.geteuid() != 0:
        raise NotHereError("debootstrap runs as root only.")
    if missing and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=sys.stderr)
        subprocess.run(["apt-get", "install", "-qq", "-y", *missing], check=False, stdout=sys.stderr)
    if missing := [package for file, package in TOOLS.items() if not Path(file).exists()]:
        raise NotHereError(f"install {', '.join(missing)}.")


def register_emulator() -> None:
    """Let the kernel run programs for arm64 by qemu; without that, their images are made and cannot be run."""
    with suppress(OSError):
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], check=False)
        if not (BINFMT / "qemu-aarch64").exists():
            (BINFMT / "register").write_text(ARM64)


def mirrors() -> Iterator[str]:
    """Yield the archives that this machine's apt is set up for; ``$LDEPLOY_MIRROR`` comes first."""
    if own := os.environ.get("LDEPLOY_MIRROR"):
        yield own
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    yield from dict.fromkeys(found.stdout.split())


def find_mirror(suite: str) -> str:
    """Return an archive that has a release of Debian.

    Raises:
        NotHereError: none of this machine's has.
    """
    for proxy in ("http", "https"):
        asking = ["apt-config", "dump", f"Acquire::{proxy}::Proxy"]
        line = subprocess.run(asking, capture_output=True, text=True, check=False).stdout
        if '"' in line and f"{proxy}_proxy" not in os.environ:
            os.environ[f"{proxy}_proxy"] = line.split('"')[1]
    for mirror in mirrors():
        with (
            suppress(OSError),
            urllib.request.urlopen(f"{mirror.rstrip('/')}/dists/{suite}/InRelease", timeout=30) as page,
        ):
            if b"\nOrigin: Debian\n" in page.read(4096):
                return mirror
    raise NotHereError(f"none of this machine's archives (apt's settings, or $LDEPLOY_MIRROR) has Debian {suite}.")


# -- an image --------------------------------------------------------------------------------------------------


def make(one: Wanted) -> None:
    """Make an image beside its place, and put it there when it is whole.

    Raises:
        NotHereError: the archive does not have it.
        CalledProcessError: something did not work.
    """
    folder = images_folder() / one.name
    part = folder.with_name(f".{one.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    fetch(one, part)
    lay_out(one, part)
    install(one, part / f"var/lang/lib/{one.runtime}/site-packages")
    compile_all(one, part)
    (part / "image.json").write_text(json.dumps(described(one, part), indent=2) + "\n")
    for path in UNUSED:
        shutil.rmtree(part / path, ignore_errors=True)
    part.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def fetch(one: Wanted, part: Path) -> None:
    """Fetch Debian's packages, whose signatures and hashes debootstrap checks, and unpack them all; run none."""
    command = ["debootstrap", "--foreign", "--variant=minbase", f"--arch={one.debian}", f"--keyring={KEYRING}"]
    include = "--include=" + ",".join(("python3", "strace", *one.extra))
    command += [include, one.suite, str(part), find_mirror(one.suite)]
    log = part.with_suffix(".log")
    with log.open("w") as file:
        done = subprocess.run(command, stdout=file, stderr=file, check=False)
    if done.returncode:
        raise NotHereError(f"debootstrap failed ({log}): {log.read_text().splitlines()[-1:]}")
    for package in archives(part):
        unpack(package, part)


def archives(part: Path) -> list[Path]:
    """Return the packages that debootstrap has fetched."""
    return sorted((part / "var/cache/apt/archives").glob("*.deb"))


def unpack(package: Path, part: Path) -> None:
    """Unpack a package over a folder, through the symlinks of a merged /usr.

    Raises:
        CalledProcessError: it failed.
    """
    tar = ["tar", "--extract", "--keep-directory-symlink", "--directory", str(part)]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as inside:
        subprocess.run(tar, check=True, stdin=inside.stdout)


def lay_out(one: Wanted, part: Path) -> None:
    """Put the interpreter where Lambda has it, by hard links, and what the packages' own scripts would have made."""
    lang = part / "var/lang"
    (lang / "bin").mkdir(parents=True)
    (lang / "lib").mkdir()
    os.link(part / "usr/bin" / one.runtime, lang / "bin" / one.runtime)
    (lang / "bin/python3").symlink_to(one.runtime)
    library = lang / "lib" / one.runtime
    shutil.copytree(part / "usr/lib" / one.runtime, library, copy_function=os.link, ignore=links)
    (library / "site-packages").mkdir()
    (library / "dist-packages").mkdir()  # where Debian's site.py looks
    (library / "dist-packages/site.pth").write_text("../site-packages\n")
    if not (part / "bin/sh").exists():
        (part / "bin/sh").symlink_to("dash")
    (part / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nsbx_user1051:x:993:990::/home/sbx_user1051:/bin/sh\n"
    )
    (part / "etc/group").write_text("root:x:0:\nsbx_user1051:x:990:\n")
    names = {"hosts": "127.0.0.1 localhost\n", "resolv.conf": "", "nsswitch.conf": "hosts: files dns\n"}
    for name, text in names.items():
        (part / "etc" / name).unlink(missing_ok=True)
        (part / "etc" / name).write_text(text)


def links(folder: str, names: list[str]) -> set[str]:
    """Return the symlinks: they lead out of the image, to Debian's own settings."""
    return {name for name in names if Path(folder, name).is_symlink()}


def install(one: Wanted, site: Path) -> None:
    """Install what Lambda's image has in its site-packages, as wheels for the image's own Python."""
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[one.architecture]
    platforms = [f"--platform=manylinux{name}_{machine}" for name in ("2014", "_2_17", "_2_28")]
    version = f"--python-version={one.runtime.removeprefix('python')}"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    with (
        tempfile.TemporaryDirectory() as wheels
    ):  # install asks the wheels whether they are for the Python that runs pip
        loading = [*pip, "download", *platforms, version, "--only-binary=:all:", "--dest", wheels, *DISTRIBUTIONS]
        subprocess.run(loading, check=True, stdout=sys.stderr)
        files = [str(file) for file in Path(wheels).iterdir()]
        target = [*platforms, version, "--only-binary=:all:", "--target", str(site), "--no-deps", "--no-compile"]
        subprocess.run([*pip, "install", *target, *files], check=True, stdout=sys.stderr)


def compile_all(one: Wanted, part: Path) -> None:
    """Add bytecode, as Lambda's image has it: by the image's own Python, or by one of the same version for x86_64."""
    twin = kept_image(one.runtime, "x86_64") if one.architecture != "x86_64" else None
    by = read_image(one.runtime, part) if one.architecture == "x86_64" else twin
    if by:
        folder = part / "var/lang/lib" / one.runtime
        compiling = ["-S", "-W", "ignore", "-m", "compileall", "-q", "-x", "/lib2to3/tests/"]
        subprocess.run([*by.command(), *compiling, "-s", str(part), "-p", "/", str(folder)], check=True)


def described(one: Wanted, part: Path) -> dict[str, str]:
    """Return what an image holds: Debian's versions of its Python and its C library, and that of its runtime client."""
    debian = dict(package.name.split("_")[:2] for package in archives(part))
    client = next((part / f"var/lang/lib/{one.runtime}/site-packages").glob("awslambdaric-*.dist-info"))
    made = time.strftime("%Y-%m-%d", time.gmtime())
    versions = {"python": debian[one.runtime], "glibc": debian["libc6"], "awslambdaric": client.stem.partition("-")[2]}
    return {"made": made, "suite": one.suite, **versions}


if __name__ == "__main__":
    sys.exit(main())
