"""Generate each client, compile it, and make the thirteen calls with it, against `retainer demo`.

    python -m bench.clients [FOLDER]

FOLDER keeps what is installed and generated, for the next time. The table it prints is that of
docs/clients.md.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
LINES_SHOWN = 12  # of the output of a step that fails
START_SECONDS = 60


class Client(NamedTuple):
    """A way to call the API: how it is generated, checked, and called. `{npm}` and `{py}` are the
    folders of the installed programs.
    """

    name: str
    call: str
    generate: str = ""
    check: str = ""


GENERATOR = "{py}/openapi-generator-cli generate -i openapi.json -g"
CLIENTS = [
    Client("openapi-typescript, openapi-fetch", "openapi_fetch.ts",
           "{npm}/openapi-typescript openapi.json --default-non-nullable=false "
           "-o generated/openapi-typescript/schema.d.ts"),
    Client("hey-api", "hey_api.ts",
           "{npm}/openapi-ts -i openapi.json -o generated/hey-api -c @hey-api/client-fetch"),
    Client("orval, with zod", "orval.ts", "{npm}/orval --config orval.config.cjs"),
    Client("swagger-typescript-api", "swagger_typescript_api.ts",
           "{npm}/swagger-typescript-api generate -p openapi.json "
           "-o generated/swagger-typescript-api -n api.ts"),
    Client("openapi-generator, typescript-axios", "openapi_generator_axios.ts",
           f"{GENERATOR} typescript-axios -o generated/typescript-axios"),
    Client("openapi-generator, typescript-fetch", "openapi_generator_fetch.ts",
           f"{GENERATOR} typescript-fetch -o generated/typescript-fetch"),
    Client("openapi-generator, python", "openapi_generator.py",
           f"{GENERATOR} python -o generated/python"),
    Client("openapi-python-client", "openapi_python_client.py",
           "{py}/openapi-python-client generate --path openapi.json --overwrite "
           "--output-path generated/openapi-python-client",
           "{py}/mypy --strict generated/openapi-python-client/retainer_client"),
    Client("axios alone", "axios.ts"),
    Client("aiohttp alone", "aio.py"),
    Client("the JDK's HttpClient", "Jdk.java"),
]  # fmt: skip
RUN = {
    ".ts": "node out/calls/{stem}.js",
    ".py": "{py}/python calls/{name}",
    ".java": "java calls/{name}",
}


def main(folder: Path) -> int:
    for name in ("calls", "package.json", "requirements.txt", "tsconfig.json", "orval.config.cjs"):
        place = HERE / name
        if place.is_dir():
            shutil.copytree(place, folder / name, dirs_exist_ok=True)
        else:
            shutil.copy(place, folder)
    with server(folder) as api:
        environment = os.environ | {"RETAINER_API": api, "GENERATED": str(folder / "generated")}
        (folder / "openapi.json").write_bytes(urllib.request.urlopen(f"{api}/openapi.json").read())
        run = Steps(folder, environment)
        run.need("npm install --no-audit --no-fund")
        run.need(f"{sys.executable} -m venv py")
        run.need("{py}/pip install -q -r requirements.txt")
        generated = {client: run(client.generate) for client in CLIENTS}
        compiled = run("{npm}/tsc -p .")
        print(
            f"`tsc --strict`: {compiled}\n\n| client | generated | checked | called |\n|---|---|---|---|"
        )
        failures = compiled != "yes"
        for client in CLIENTS:
            call = Path(client.call)
            called = run(RUN[call.suffix].format(stem=call.stem, name=call.name, py="{py}"))
            checked = (
                run(client.check) if client.check else compiled if call.suffix == ".ts" else ""
            )
            print(f"| {client.name} | {generated[client]} | {checked} | {called} |", flush=True)
            failures += called != "yes" or generated[client] == "no" or checked == "no"
    return int(bool(failures))


class Steps:
    """Commands in the folder; the output of those that fail goes to standard error."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def __call__(self, command: str) -> str:
        """Yes or no, or nothing for no command."""
        if not command:
            return ""
        words = command.format(npm="node_modules/.bin", py="py/bin").split()
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if done.returncode == 0:
            return "yes"
        last = (done.stdout + done.stderr).splitlines()[-LINES_SHOWN:]
        print(command, *last, sep="\n", file=sys.stderr)
        return "no"

    def need(self, command: str) -> None:
        if self(command) != "yes":
            raise SystemExit(f"cannot go on without: {command}")


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """A server of its own with the demo's data; the address of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tempfile.mkdtemp(prefix="retainer-clients-")
    Path(data).chmod(0o755)  # PostgreSQL's own account passes through
    command = [sys.executable, "-m", "retainer", "demo", "--data", data, "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        shutil.rmtree(data, ignore_errors=True)


def wait(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1)
            return
        time.sleep(0.2)
    raise SystemExit("the server does not start")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1]).resolve()))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(Path(temporary)))
