"""Password hashes by scheme, sessions and back ends of an asynchronous client by name."""

REQUIREMENTS = ["passlib==1.7.4", "bcrypt==4.0.1", "anyio==4.9.0", "trio==0.30.0", "httpx==0.28.1",
                "h2==4.2.0", "brotli==1.1.0"]  # fmt: skip
EVENTS = ["sha256_crypt", "bcrypt", "pbkdf2_sha512", "asyncio", "trio", "http2", "command"]

import sys

from passlib.hash import sha256_crypt


def handler(event, context):
    if event in ("asyncio", "trio"):
        import anyio

        async def work():
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, 0)
            return await anyio.to_thread.run_sync(lambda: event), await (await anyio.open_file(__file__)).readline()

        return list(anyio.run(work, backend=event))
    if event == "http2":
        import httpx

        client = httpx.Client(http2=True)
        try:
            client.get("http://127.0.0.1:9/")
        except httpx.ConnectError as error:
            return [str(error), client.headers["accept-encoding"]]
    if event == "command":
        import subprocess

        done = subprocess.run([sys.executable, "-m", "bcrypt"], check=False, capture_output=True, text=True)
        return [done.returncode, done.stderr]
    import passlib.hash

    scheme = getattr(passlib.hash, event, sha256_crypt)
    return [scheme.name, scheme.verify("secret", scheme.hash("secret"))]
