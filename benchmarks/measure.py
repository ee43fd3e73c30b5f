"""Runs a function in a separate process and measures its time and memory."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Measurement(Generic[Result]):
    """`cpu_s` counts all threads; `peak_mib` is the largest resident size, with Python and every library."""

    result: Result
    wall_s: float
    cpu_s: float
    peak_mib: float


def measured(function: Callable[..., Result], *arguments: object) -> Measurement[Result]:
    """Call a function of a module, with arguments that can be pickled, in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, function, arguments).result()


def _measure(function: Callable[..., Result], arguments: tuple[object, ...]) -> Measurement[Result]:
    started, worked = time.perf_counter(), time.process_time()
    result = function(*arguments)
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - worked
    # Not ru_maxrss: a process starts with that of the one it was forked from.
    status = Path("/proc/self/status").read_text()
    peak_kib = int(status.split("VmHWM:")[1].split()[0])
    return Measurement(result, wall_s, cpu_s, peak_kib / 1024)
