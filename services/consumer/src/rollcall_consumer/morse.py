"""Words as sound: Morse code, in the form of a WAV file. It is work for the processor, and takes its time."""

import math
import os
import struct
import wave
from pathlib import Path

RATE = 16_000
"""Samples a second."""

DOT = 0.06
"""Seconds of a dot: twenty words a minute. Everything else lasts for several of them."""

PITCH = 620.0
"""Hertz."""

EDGE = 0.006
"""Seconds in which a tone rises, and falls."""

_TABLE = """
A.- B-... C-.-. D-.. E. F..-. G--. H.... I.. J.--- K-.- L.-.. M-- N-. O--- P.--. Q--.- R.-. S... T- U..- V...- W.--
X-..- Y-.-- Z--.. 0----- 1.---- 2..--- 3...-- 4....- 5..... 6-.... 7--... 8---.. 9----. ..-.-.- ,--..-- ?..--.. --....-
/-..-. :---...
"""

_CODES = {entry[0]: entry[1:] for entry in _TABLE.split()}


def narrate(words: str, path: str) -> float:
    """Write words as a sound file; it is there whole, or not at all.

    Args:
        words: The words. Characters that Morse code does not have are left out.
        path: Where the file is to be.

    Returns:
        How long it plays, in seconds.

    Raises:
        OSError: It can't be written there.
    """
    samples = b"".join(map(_word, words.upper().split()))
    unfinished = f"{path}.{os.getpid()}"
    with wave.open(unfinished, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    Path(unfinished).replace(path)
    return len(samples) / 2 / RATE


def _word(word: str) -> bytes:
    letters = [_CODES[letter] for letter in word if letter in _CODES]
    return b"".join(map(_letter, letters)) + _silence(4)


def _letter(code: str) -> bytes:
    return b"".join(_tone(1 if sign == "." else 3) + _silence(1) for sign in code) + _silence(2)


def _silence(dots: int) -> bytes:
    return bytes(2 * int(dots * DOT * RATE))


def _tone(dots: int) -> bytes:
    count = int(dots * DOT * RATE)
    return b"".join(struct.pack("<h", _sample(number, count)) for number in range(count))


def _sample(number: int, count: int) -> int:
    edge = min(number, count - number) / (EDGE * RATE)
    return int(20_000 * min(1.0, edge) * math.sin(2 * math.pi * PITCH * number / RATE))
