"""What datasets are to give, written slowly: generators over lists, as tf.data describes its own.

An element is a record (bytes), and after batch or bucket_by_length a list of records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


def philox(key: int, step: int, block: int) -> list[int]:
    """Philox 4x32-10."""
    k0, k1 = key & MASK32, key >> 32
    c = [block & MASK32, block >> 32, step & MASK32, step >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & MASK32, (p0 >> 32) ^ c[3] ^ k1, p0 & MASK32]
        k0, k1 = (k0 + 0x9E3779B9) & MASK32, (k1 + 0xBB67AE85) & MASK32
    return c


def mix(x: int) -> int:
    """SplitMix64."""
    x = (x + 0x9E3779B97F4A7C15) & MASK64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK64
    return x ^ (x >> 31)


def draws(seed: int, name: str, step: int) -> Callable[[int], int]:
    """The i-th 64 random bits of a purpose."""
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = ((h ^ c) * 0x100000001B3) & MASK64
    key = mix((h + mix(seed & MASK64)) & MASK64)

    def bits(i: int) -> int:
        block = philox(key, step, i >> 1)
        return block[2 * (i & 1)] | block[2 * (i & 1) + 1] << 32

    return bits


class Model:
    """A dataset: calling `run()` gives the elements of one pass, the k-th call those of pass k."""

    def __init__(self, files: list[list[bytes]], iteration: int = 0):
        self.files = files
        self.iteration = iteration
        self.file_steps: list[Callable[[list, int], list]] = []
        self.cycle, self.block = 1, 1
        self.run = self.records
        self.passes = -1

    def step_of(self, reshuffle: bool, passed: int) -> int:
        return (self.iteration << 32 | passed) if reshuffle else 0

    # --- Files

    def shuffle_files(self, seed: int, reshuffle: bool = True) -> Model:
        def shuffled(files: list, passed: int) -> list:
            bits, files = draws(seed, "shuffle_files", self.step_of(reshuffle, passed)), files[:]
            for i in range(len(files), 1, -1):
                j = bits(i) % i
                files[i - 1], files[j] = files[j], files[i - 1]
            return files

        self.file_steps.append(shuffled)
        return self

    def shard_files(self, num_shards: int, index: int) -> Model:
        self.file_steps.append(lambda files, _: files[index::num_shards])
        return self

    def interleave(self, cycle: int, block: int) -> Model:
        self.cycle, self.block = cycle, block
        return self

    def records(self) -> Iterator[bytes]:
        self.passes += 1
        files = self.files
        for step in self.file_steps:
            files = step(files, self.passes)
        waiting = [iter(file) for file in files]
        slots: list[Any] = [None] * self.cycle
        at = 0
        while waiting or any(slot is not None for slot in slots):
            if slots[at] is None and waiting:
                slots[at] = waiting.pop(0)
            if slots[at] is not None:
                for _ in range(self.block if self.cycle > 1 else 1 << 60):
                    record = next(slots[at], None)
                    if record is None:
                        slots[at] = None
                        break
                    yield record
            at = (at + 1) % self.cycle

    # --- Elements

    def then(self, make: Callable[[Callable[[], Iterator]], Iterator]) -> Model:
        run = self.run
        self.run = lambda: make(run)
        return self

    def shard(self, num_shards: int, index: int) -> Model:
        return self.then(lambda run: (x for i, x in enumerate(run()) if i % num_shards == index))

    def skip(self, count: int) -> Model:
        return self.then(lambda run: (x for i, x in enumerate(run()) if i >= count >= 0))

    def take(self, count: int) -> Model:
        return self.then(lambda run: (x for i, x in enumerate(run()) if count < 0 or i < count))

    def repeat(self, count: int) -> Model:
        return self.then(lambda run: (x for _ in range(count) for x in run()))

    def shuffle(self, size: int, seed: int, reshuffle: bool = True) -> Model:
        passed = -1

        def shuffled(run: Callable[[], Iterator]) -> Iterator:
            nonlocal passed
            passed += 1
            bits = draws(seed, "shuffle", self.step_of(reshuffle, passed))
            source, buffer, k = run(), [], 0
            while True:
                while len(buffer) < size and (x := next(source, None)) is not None:
                    buffer.append(x)
                if not buffer:
                    return
                i = bits(k) % len(buffer)
                buffer[i], buffer[-1] = buffer[-1], buffer[i]
                yield buffer.pop()
                k += 1

        return self.then(shuffled)

    # --- Batches

    def batch(self, n: int, drop_remainder: bool = False) -> Model:
        return self.buckets(lambda _: 0, [n], drop_remainder)

    def buckets(
        self, which: Callable[[bytes], int], sizes: list[int], drop_remainder: bool = False
    ) -> Model:
        def bucketed(run: Callable[[], Iterator]) -> Iterator:
            waiting: list[list] = [[] for _ in sizes]
            for x in run():
                i = which(x)
                waiting[i].append(x)
                if len(waiting[i]) == sizes[i]:
                    yield waiting[i]
                    waiting[i] = []
            if not drop_remainder:
                yield from (bucket for bucket in waiting if bucket)

        return self.then(bucketed)
