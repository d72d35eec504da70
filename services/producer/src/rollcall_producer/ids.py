"""Identities of records: what tells a repetition from a further event.

An id is the time at which the process started, 40 random bits and a counter, in hexadecimal digits, 34 of them: unique
without asking anybody, and sortable by process and then by admission. 0.1 µs each.
"""

import os
import time
from collections.abc import Iterator

_BLOCK = 0x1000
_SUFFIXES = [b"%03x" % number for number in range(_BLOCK)]


def ids() -> Iterator[bytes]:
    """Give new ids for ever."""
    prefix = b"%012x%b" % (time.time_ns() // 1_000_000, os.urandom(5).hex().encode())
    block = 0
    while True:
        start = b"%b%09x" % (prefix, block)
        for suffix in _SUFFIXES:
            yield start + suffix
        block += 1
