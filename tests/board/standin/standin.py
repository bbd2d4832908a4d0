"""A stand-in for systemd, which cannot run here as process 1: it starts and stops the real processes.

It reads real unit files and drop-ins below EDGESEG_ROOT, as they were at the last
daemon-reload, gives the process the environment that they name and no other, offers a
NOTIFY_SOCKET, restarts what ends, and kills what forgets its watchdog. It does not change
users and confines nothing. EDGESEG_STANDIN_PYTHON takes the place of /usr/bin/python3.
"""

import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(os.environ["EDGESEG_ROOT"])
RUN = ROOT / "run"
STATE = RUN / "standin"
ETC = ROOT / "etc/systemd/system"
WANTS = ETC / "multi-user.target.wants"
SPECIFIERS = {"%S": ROOT / "var/lib", "%C": ROOT / "var/cache", "%t": RUN, "%%": "%"}
PR_SET_PDEATHSIG = 1


def folder(unit):
    return STATE / unit


def read(unit, name="state.json"):
    try:
        return json.loads((folder(unit) / name).read_text())
    except (OSError, ValueError):
        return {}


def write(unit, data, name="state.json"):
    path = folder(unit) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(data))
    temporary.replace(path)


def files(unit):
    """The unit file and its drop-ins, as systemd orders them."""
    own = [path for path in (ETC / unit, RUN / "systemd/system" / unit) if path.is_file()][:1]
    folders = (RUN / "systemd/system" / f"{unit}.d", ETC / f"{unit}.d")
    drops = {path.name: path for each in folders if each.is_dir() for path in each.glob("*.conf")}
    return own and [*own, *(drops[name] for name in sorted(drops))]


def parse(paths):
    """[Service] as {key: [values]}; an empty value forgets those before it."""
    found = {}
    for path in paths:
        section = ""
        for line in path.read_text().replace("\\\n", " ").splitlines():
            line = line.strip()
            if line.startswith("["):
                section = line
            elif section == "[Service]" and line and line[0] not in "#;":
                key, _, value = line.partition("=")
                found[key.strip()] = [*found.get(key.strip(), []), value.strip()] if value.strip() else []
    return found


def load(unit, anew=False):
    """What was read at the last daemon-reload, or is read now for the first time; {} for an unknown unit."""
    known = read(unit, "loaded.json")
    if (anew or not known) and (paths := files(unit)):
        known = {"service": parse(paths), "files": [str(path) for path in paths]}
        write(unit, known, "loaded.json")
    return known


def units():
    return sorted(path.name for path in STATE.glob("*.service")) if STATE.is_dir() else []


def value(service, key, default=""):
    return (service.get(key) or [default])[-1]


def seconds(text):
    units_s = {"": 1, "s": 1, "ms": 0.001, "min": 60, "h": 3600}
    return sum(float(number) * units_s[unit] for number, unit in re.findall(r"([\d.]+)\s*([a-z]*)", text))


def plain(text):
    return re.sub("%[SCt%]", lambda match: str(SPECIFIERS[match[0]]), text)


def environment(service):
    """Nothing of the caller's own is handed on."""
    found = {"PATH": os.environ["EDGESEG_STANDIN_PATH"], "LANG": "C.UTF-8"}
    found |= {key: text for key, text in os.environ.items() if key.startswith("EDGESEG_STANDIN_")}
    for line in service.get("Environment", []):
        found |= dict(each.split("=", 1) for each in shlex.split(plain(line)))
    for name in service.get("EnvironmentFile", []):
        path = Path(name.removeprefix("-"))
        if not path.exists() and name.startswith("-"):
            continue
        for line in path.read_text().splitlines():
            if line.strip() and line.strip()[0] not in "#;":
                key, _, text = line.partition("=")
                found[key.strip()] = "".join(shlex.split(text)) if text.strip()[:1] in "\"'" else text.strip()
    for key in ("State", "Cache"):
        if name := value(service, f"{key}Directory"):
            path = SPECIFIERS["%" + key[0]] / name
            path.mkdir(parents=True, exist_ok=True)
            found[f"{key.upper()}_DIRECTORY"] = str(path)
    return found


def command(line, variables):
    """${NAME} within a word stays one word, $NAME as a word becomes any number of them."""
    words = []
    for word in shlex.split(plain(line)):
        if re.fullmatch(r"\$\w+", word):
            words += shlex.split(variables.get(word[1:], ""))
        else:
            words.append(re.sub(r"\$\{(\w+)\}", lambda match: variables.get(match[1], ""), word))
    if words[0] == "/usr/bin/python3":
        words[0] = os.environ.get("EDGESEG_STANDIN_PYTHON", words[0])
    return words


def dies_with_us():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Supervisor:
    """What systemd is for one unit; one process each."""

    def __init__(self, unit):
        self.unit = unit
        self.state = {"NRestarts": 0, "Result": "success", "StatusText": "", "supervisor": os.getpid()}
        self.stopping = False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0edgeseg-standin-{os.getpid()}")
        self.socket.settimeout(0.05)
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopping = True

    def tell(self, active, sub, **more):
        self.state |= {"ActiveState": active, "SubState": sub} | more
        write(self.unit, self.state)

    def run(self):
        while True:
            service = load(self.unit)["service"]
            code = self.once(service)
            self.after(service)
            again = value(service, "Restart", "no")
            if self.stopping or again == "no" or (again == "on-failure" and code == 0):
                break
            self.tell("activating", "auto-restart", MainPID=0, NRestarts=self.state["NRestarts"] + 1)
            until = time.monotonic() + seconds(value(service, "RestartSec", "100ms"))
            while time.monotonic() < until and not self.stopping:
                time.sleep(0.02)
            if self.stopping:
                break
        good = self.stopping or self.state["Result"] == "success"
        self.tell(*(("inactive", "dead") if good else ("failed", "failed")), MainPID=0)
        if value(service, "Collect") and good:
            shutil.rmtree(folder(self.unit), ignore_errors=True)

    def once(self, service):
        """One invocation; gives its exit code."""
        variables = environment(service) | {"INVOCATION_ID": uuid.uuid4().hex}
        watchdog = seconds(value(service, "WatchdogSec", "0"))
        notify = value(service, "Type", "simple") == "notify"
        if notify:
            variables["NOTIFY_SOCKET"] = f"@edgeseg-standin-{os.getpid()}"
        if watchdog:
            variables["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        self.tell("activating", "start", MainPID=0, InvocationID=variables["INVOCATION_ID"], Result="success")
        place = plain(value(service, "WorkingDirectory", "/"))
        with (folder(self.unit) / "log").open("ab") as log:
            child = subprocess.Popen(
                command(value(service, "ExecStart"), variables),
                env=variables,
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_us,
            )
        started = seen = time.monotonic()
        self.tell(*(("activating", "start") if notify else ("active", "running")), MainPID=child.pid)
        while child.poll() is None:
            for line in self.heard():
                key, _, text = line.partition("=")
                if line == "READY=1":
                    self.tell("active", "running")
                elif key == "STATUS":
                    self.tell(self.state["ActiveState"], self.state["SubState"], StatusText=text)
                seen = time.monotonic()
            now = time.monotonic()
            ready = self.state["ActiveState"] == "active"
            if self.stopping:
                self.tell("deactivating", "stop-sigterm")
                child.terminate()
                try:
                    child.wait(seconds(value(service, "TimeoutStopSec", "90")))
                except subprocess.TimeoutExpired:
                    child.kill()
            elif not ready and now - started > seconds(value(service, "TimeoutStartSec", "90")):
                self.tell("activating", "stop-sigterm", Result="timeout")
                child.kill()
                child.wait()
            elif ready and watchdog and now - seen > watchdog:
                self.tell("deactivating", "stop-watchdog", Result="watchdog")
                child.kill()
                child.wait()
        code = child.returncode
        if code and self.state["Result"] == "success":
            self.state["Result"] = "signal" if code < 0 else "exit-code"
        self.state["ExecMainStatus"] = abs(code)
        return code

    def after(self, service):
        for line in service.get("ExecStopPost", []):
            variables = environment(service)
            with (folder(self.unit) / "log").open("ab") as log:
                subprocess.run(command(line, variables), env=variables, stdout=log, stderr=log, preexec_fn=dies_with_us)

    def heard(self):
        try:
            return self.socket.recv(4096).decode().splitlines()
        except TimeoutError:
            return []


def supervise(unit):
    """Start a supervisor that outlives us, as systemd does."""
    write(unit, {"ActiveState": "activating", "SubState": "start", "NRestarts": 0, "supervisor": 0})
    here = Path(__file__).parent
    place = os.environ.get("EDGESEG_STANDIN_PATH") or os.environ["PATH"]
    subprocess.Popen(
        [sys.executable, str(here / "systemctl"), "--supervise", unit],
        env=os.environ | {"EDGESEG_STANDIN_PATH": place},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(STATE / "errors").open("ab"),
        start_new_session=True,
        cwd="/",
    )


def alive(unit):
    pid = read(unit).get("supervisor")
    if pid is None:
        return False
    if pid == 0:
        return True  # it is being started
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def power_cut():
    """All that runs is gone at once, and so is /run."""
    for unit in units():
        for _ in range(100):
            if read(unit).get("supervisor") != 0:
                break
            time.sleep(0.02)
        pid = read(unit).get("supervisor")
        if pid and alive(unit):
            os.kill(pid, signal.SIGKILL)  # what it started dies with it
            while alive(unit):
                time.sleep(0.01)
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir()
