"""For pyinfra: the system's part by its operations, then the bundle by edgeseg, on many boards side by side.

pyinfra inventory.py fleet.py --data bundle=belt.edgeseg
"""

import subprocess

from pyinfra import host
from pyinfra.api.exceptions import NestedOperationError
from pyinfra.operations import apt, python

if "picamera" in host.groups:
    apt.packages(name="What a Raspberry Pi's own camera needs", packages=["python3-picamera2"], _sudo=True)


def deploy():
    """Runs here, on the PC; the last that edgeseg has to say of the board is shown."""
    data = host.data
    address = f"{data.ssh_user}@{data.get('ssh_hostname') or host.name}"
    if data.get("ssh_port"):
        address += f":{data.ssh_port}"
    command = ["edgeseg", "deploy", data.bundle, address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["edgeseg was ended"]
    print(f"{host.name}: {said[-1]}")
    if done.returncode:
        raise NestedOperationError  # so that pyinfra counts this board as failed


python.call(name="edgeseg deploy", function=deploy)
