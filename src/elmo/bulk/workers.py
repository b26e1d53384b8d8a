"""Several processes that work on the parts of one output.

Which process works on which part is left to chance, and shows nowhere: a part is a function of the
plan, and every process has the same number of threads, one unless more are asked for, since a sum
that several threads share is rounded in another order.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras

from elmo.system.output import OutputError

PATIENCE = 5.0  # seconds for a process to end by itself


class WorkerError(ChildProcessError):
    """A worker process failed; says with what."""


class Workers:
    """Processes that work on parts; a context, at whose end none is left.

    Args:
        output: of the `Workplace`.
        packed: the folder that holds the packed embedder.
        number: how many processes.
        threads: of each.
    """

    def __init__(self, output: Path, packed: Path, number: int, threads: int = 1) -> None:
        self.output, self.packed, self.number, self.threads = output, packed, number, threads
        self._processes: list[subprocess.Popen[str]] = []
        self._answers: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        self._ready: set[int] = set()

    def __enter__(self) -> Workers:
        try:
            for number in range(self.number):
                self._start(number)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop()

    def _start(self, number: int) -> None:
        places = [str(self.output.absolute()), str(self.packed.absolute())]
        words = ["-m", "elmo.bulk.worker", *places, str(self.threads)]
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment(number, self.threads),
        )
        self._processes.append(process)
        threading.Thread(target=self._listen, args=(number, process), daemon=True).start()

    def _listen(self, number: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                try:
                    self._answers.put((number, json.loads(line)))
                except ValueError:
                    continue  # no answer of ours
        self._answers.put((number, {"ended": process.wait()}))

    def run(self, tasks: Iterable[str], tell: Callable[[str, dict[str, Any]], None]) -> int:
        """Have tasks done.

        Args:
            tasks: lines for the workers; each is asked for when a worker is free.
            tell: is given a task and a worker's answer about it.

        Returns:
            How many there were.

        Raises:
            OutputError: the output cannot be written.
            WorkerError: a worker died, or failed otherwise.
        """
        waiting, more, count = iter(tasks), True, 0
        at_work: dict[int, str] = {}
        idle = self._ready.copy()
        while True:
            while more and idle:
                task = next(waiting, None)
                if task is None:
                    more = False
                else:
                    number = idle.pop()
                    at_work[number] = task
                    self._send(number, task)
                    count += 1
            if not more and not at_work:
                return count
            number, answer = self._answers.get()
            if "error" in answer or "ended" in answer:
                raise _failure(answer, at_work.get(number))
            if answer.get("ready"):
                self._ready.add(number)
                idle.add(number)
                continue
            tell(at_work[number], answer)
            if answer.get("done"):
                del at_work[number]
                idle.add(number)

    def _send(self, number: int, task: str) -> None:
        pipe = self._processes[number].stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):  # it is dead, and its answer will say so
            pipe.write(task + "\n")
            pipe.flush()

    def _stop(self) -> None:
        for process in self._processes:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()  # so it ends by itself
        for process in self._processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _failure(answer: dict[str, Any], task: str | None) -> Exception:
    where = f" on {task}" if task else ""
    if "ended" in answer:
        code = answer["ended"]
        why = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        hint = "; perhaps the memory was not enough for so many jobs" if code == -9 else ""
        return WorkerError(f"a worker process died{where} ({why}){hint}")
    if answer["kind"] == OutputError.__name__:
        return OutputError(answer["error"])
    error = WorkerError(f"a worker process failed{where}: {answer['kind']}: {answer['error']}")
    error.add_note(answer["trace"])
    return error


def environment(number: int, threads: int) -> dict[str, str]:
    """The environment of a worker.

    Args:
        number: of the worker; the GPUs that there are are dealt out by it.
        threads: of its own.
    """
    found = dict(os.environ)
    found["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    found["KERAS_BACKEND"] = keras.backend.backend()
    found["PYTHONUNBUFFERED"] = "1"
    for name in ("OMP", "MKL", "OPENBLAS"):
        found[f"{name}_NUM_THREADS"] = str(threads)
    found["PJRT_NPROC"] = found["NPROC"] = str(threads)  # XLA's own pool
    found["TF_NUM_INTRAOP_THREADS"] = str(threads)
    found["TF_NUM_INTEROP_THREADS"] = "1"
    # By which kernel a product goes is tried out anew in each process, and must not be.
    flags = "--xla_gpu_deterministic_ops=true --xla_gpu_autotune_level=0"
    devices = _gpus()
    if devices:
        found["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
        found.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        found["XLA_FLAGS"] = f"{found.get('XLA_FLAGS', '')} {flags}".strip()
    return found


def _gpus() -> list[str]:
    """The NVIDIA devices that this process sees, as `CUDA_VISIBLE_DEVICES` names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name.strip()]
    count = 0
    if keras.backend.backend() == "jax":
        import jax

        count = sum(device.platform == "gpu" for device in jax.local_devices())
    elif keras.backend.backend() == "torch":
        import torch

        count = torch.cuda.device_count()
    return [str(number) for number in range(count)]
