"""The AWS on this machine from the command line."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

LDEPLOY = (sys.executable, "-c", "from deployer.cli import main; main()")
ASK = "import boto3, os; print(boto3.client('s3').list_buckets()['Buckets'], os.environ['AWS_ENDPOINT_URL'])"


def run(*command, **settings):
    return subprocess.run([*LDEPLOY, "local", "run", *command], capture_output=True, text=True, check=False, **settings)


@pytest.fixture
def started():
    """``ldeploy local start``, ready."""
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    command = [*LDEPLOY, "local", "start"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as child:
        yield child
        child.kill()


def ready(child):
    """The endpoint, once it is there."""
    (url,) = json.loads(child.stdout.readline()).values()
    return url


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_in_one_line_and_ends_when_told(started, ending):
    url = ready(started)
    assert url.startswith("http://127.0.0.1:")
    session = boto3.Session("k", "s", region_name="us-east-1")
    storage = session.client("s3", endpoint_url=url)
    assert storage.list_buckets()["Buckets"] == []
    storage.close()
    started.send_signal(ending)
    out, err = started.communicate(timeout=120)
    assert (started.returncode, out, err) == (0, "", "")


def test_it_ends_in_the_background_of_a_script_too():
    deaf = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *LDEPLOY, "local", "start"]
    with subprocess.Popen(deaf, stdout=subprocess.PIPE, text=True) as child:
        ready(child)
        child.terminate()
        assert child.wait(timeout=120) == 0


def test_a_command_runs_with_it_and_its_exit_code_is_given_back():
    done = run("--", sys.executable, "-c", ASK)
    assert (done.returncode, done.stdout[:2]) == (0, "[]"), done.stderr
    assert "http://127.0.0.1:" in done.stdout
    assert run("--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7
    assert run("--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)").returncode == 137


def test_a_command_that_is_not_there_is_said():
    done = run("--", "no-such-command")
    assert done.returncode == 2
    assert "no-such-command" in done.stderr


def test_sigterm_ends_the_command_too(tmp_path):
    program = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with subprocess.Popen([*LDEPLOY, "local", "run", "--", sys.executable, "-c", program]) as child:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=120) == 130
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


def test_an_image_of_the_settings_file_is_looked_at_before_anything_is_run(tmp_path):
    (tmp_path / "ldeploy.toml").write_text('image = ["python3.10=there"]\n')
    done = run("--", "echo", "run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there has no var/lang/bin/python3.10" in done.stderr
    assert run("--image", "python3.10", "--", "echo", "run").returncode == 2


def test_on_a_terminal_it_prints_the_lines_to_copy():
    mine, theirs = pty.openpty()
    with subprocess.Popen([*LDEPLOY, "local", "start"], stdout=theirs, stderr=theirs, close_fds=True) as child:
        os.close(theirs)
        told = ""
        while "Ctrl-C" not in told:
            told += os.read(mine, 4096).decode()
        child.terminate()
        assert child.wait(timeout=120) == 0
    os.close(mine)
    url = json.loads(told.splitlines()[0])["endpoint_url"]
    assert f"export AWS_ENDPOINT_URL={url}" in told
    assert "export AWS_DEFAULT_REGION=us-east-1" in told
    assert "export AWS_ACCESS_KEY_ID=testing" in told
