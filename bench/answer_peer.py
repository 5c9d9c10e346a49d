"""How the peer in PyTorch answers requests: one line `steps N` or `memory` each, as bench/answer-ours.ts does."""
import json
import sys
import time
from collections import defaultdict


class Clock:
    """Adds up the seconds of each stage."""

    def __init__(self):
        self.stages = defaultdict(float)
        self.last = time.perf_counter()

    def lap(self, stage):
        now = time.perf_counter()
        self.stages[stage] += now - self.last
        self.last = now


def peak_memory():
    """MiB"""
    with open("/proc/self/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def answer(step, others={}):
    """Answers until there are no more requests. `step` does one step, with a clock; `others` are requests of a side's own."""
    for line in sys.stdin:
        request, *count = line.split()
        if request == "steps":
            clock = Clock()
            start = time.perf_counter()
            for _ in range(int(count[0])):
                step(clock)
            result = {"seconds": time.perf_counter() - start, "stages": clock.stages}
        else:
            result = {"memory": peak_memory, **others}[request]()
        print(json.dumps(result), flush=True)
