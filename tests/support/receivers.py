"""Libraries with which others receive Standard Webhooks: two of npm and, where pip reaches one, one of Python."""
import base64
import fcntl
import functools
import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from unittest import mock

import npm
from harness import ROOT

PACKAGES = ("standardwebhooks@1", "svix@1.45.0")  # svix 1.45 has an implementation of its own, later ones use the other
PIP_HOME = ROOT / "build/pip-receivers"
INSTALL_S = 20


@functools.cache
def python_library():
    """The class Webhook of Python's standardwebhooks, installed under build/ if need be; None where it can't be."""
    PIP_HOME.parent.mkdir(exist_ok=True)
    with open(PIP_HOME.with_name("pip-receivers.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (PIP_HOME / "standardwebhooks").is_dir() and not (PIP_HOME / "none").exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "0", "--timeout", "5", "--target", str(PIP_HOME),
                       "standardwebhooks"]
            try:
                subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=INSTALL_S, check=True)
            except (subprocess.SubprocessError, OSError):
                PIP_HOME.mkdir(exist_ok=True)
                (PIP_HOME / "none").touch()  # asked once a build
    if not (PIP_HOME / "standardwebhooks").is_dir():
        return None
    sys.path.insert(0, str(PIP_HOME))
    import standardwebhooks
    return standardwebhooks.Webhook


def judge_in_python(secret, headers, body, at):
    """None, or why the library refuses it."""
    module = sys.modules[python_library().__module__]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(at, tz or timezone.utc)

    with mock.patch.object(module, "datetime", Clock):
        try:
            python_library()(secret).verify(body, headers)
            return None
        except Exception as why:
            return repr(why)


def judge(requests, secret, libraries=("standardwebhooks", "svix")):
    """requests as a sink keeps them. For each a dictionary from library to None or why it is refused; skips without npm."""
    home = npm.need("receivers", *PACKAGES)
    rows = [{"secret": secret, "headers": r["headers"], "body": base64.b64encode(r["body"]).decode(),
             "at": int(r["headers"]["webhook-timestamp"])} for r in requests]
    done = subprocess.run(["node", str(Path(__file__).with_suffix(".cjs"))], capture_output=True, text=True, timeout=60, check=True,
                          input=json.dumps({"home": str(home), "libraries": libraries, "requests": rows}))
    results = json.loads(done.stdout)
    if python_library():
        for result, r in zip(results, requests):
            result["python"] = judge_in_python(secret, r["headers"], r["body"], int(r["headers"]["webhook-timestamp"]))
    return results
