"""Finding and running Coral's `edgetpu_compiler`, one try at a time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from converters.edgetpu import compiler_log
from edgeseg.errors import ConversionError, MissingCompilerError, OutputError

NAME = "edgetpu_compiler"
VARIABLE = "EDGETPU_COMPILER"
TIMEOUT_S = 180
"""The compiler's own limit for one model."""
LARGE = "which large feature maps cause most often"
MORE_TIME = "end the network at a coarser stride, or give it more time with --timeout"
GRACE_S = 20
"""What it gets beyond that to end by itself."""

HOW_TO_GET = (
    "install the package edgetpu-compiler from Coral's Debian repository (coral.ai/docs/edgetpu/compiler; x86-64 Linux "
    f"only) or set {VARIABLE} to the program; on another machine, compile in an x86-64 Linux machine or container"
)


@dataclass(frozen=True)
class Attempt:
    """One run of the compiler."""

    output: bytes | None
    """The compiled model, or None where it failed."""
    text: str
    """What it printed."""
    reason: str = ""
    """Why it failed, on one line."""
    crash: bool = False
    """The compiler failed without finding fault with the model: another try may succeed."""
    tries: int = 1
    """How often the compiler was run for this."""


def find(environment: Mapping[str, str] = os.environ) -> Path:
    """The program that EDGETPU_COMPILER names, or the one on PATH; raises MissingCompilerError."""
    named = environment.get(VARIABLE)
    found = shutil.which(named or NAME, path=environment.get("PATH"))
    if found:
        return Path(found).resolve()
    what = f"{VARIABLE} names {named}, which is no program" if named else f"there is no {NAME} on this machine"
    raise MissingCompilerError(f"{what}: {HOW_TO_GET}; the model stays as it is")


def require_running(compiler: Path) -> None:
    """Raise ConversionError where the program does not even say its version."""
    with tempfile.TemporaryDirectory(prefix="edgeseg-compile-") as folder:
        said = Path(folder) / "said.txt"
        code = _run([str(compiler), "--version"], said, GRACE_S)
        lines = said.read_text(errors="replace").strip().splitlines()
    if code != 0:
        last = lines[-1][:200] if lines else "it says nothing"
        raise ConversionError(f"{compiler}: does not run here ({last}); try  {compiler} --version  by hand")


def run(compiler: Path, model: bytes, name: str, timeout_s: float = TIMEOUT_S) -> Attempt:
    """Compile `model` under the file name `name`.tflite in a folder that goes again.

    Raises MissingCompilerError where the program cannot be started on this machine,
    OutputError where the disk for temporary files is full.
    """
    with tempfile.TemporaryDirectory(prefix="edgeseg-compile-") as folder:
        source, said = Path(folder) / f"{name}.tflite", Path(folder) / "said.txt"
        try:
            source.write_bytes(model)
        except OSError as error:
            raise OutputError(f"{source}: cannot be written ({error.strerror}); free some space") from error
        options = ["-s", "-o", folder, "-t", str(max(1, round(timeout_s)))]
        code = _run([str(compiler), *options, str(source)], said, timeout_s + GRACE_S)
        text = said.read_text(errors="replace")
        compiled = Path(folder) / f"{name}_edgetpu.tflite"
        output = compiled.read_bytes() if code == 0 and compiled.is_file() else None
    if output:
        return Attempt(output, text)
    if code is None or "Compilation timeout" in text:
        return Attempt(None, text, f"it took longer than {timeout_s:g} s, {LARGE}; {MORE_TIME}")
    return Attempt(None, text, _reason(code, text), crash=code < 0 or compiler_log.crashed(text))


def run_again(
    compiler: Path, model: bytes, name: str, tries: int, timeout_s: float, on_crash: Callable[[int, str], None]
) -> Attempt:
    """`run`, up to `tries` times while it crashes; `on_crash` gets the number of the try and the reason."""
    for number in range(1, tries + 1):
        attempt = replace(run(compiler, model, name, timeout_s), tries=number)
        if not attempt.crash:
            break
        on_crash(number, attempt.reason)
    return attempt


def _run(command: list[str], said: Path, limit_s: float) -> int | None:
    """Exit code, negative for a signal, or None where it had to be stopped.

    It gets a session of its own, since it compiles in a child that would outlive it.
    """
    with said.open("wb") as out:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise MissingCompilerError(
                f"{command[0]}: cannot be run on this machine ({error.strerror}): {HOW_TO_GET}"
            ) from error
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _reason(code: int, text: str) -> str:
    if code < 0:
        return f"it was killed by {signal.Signals(-code).name}"
    reason = compiler_log.complaint(text)
    if reason:
        return reason
    signs = [line.strip() for line in text.splitlines() if line.startswith(compiler_log.CRASHES)]
    if signs:
        return f"it said: {signs[-1]}"
    return "it ended well but wrote no model" if code == 0 else f"it gave no reason (exit code {code})"
