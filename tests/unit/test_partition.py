import random

import pytest
from aiokafka.partitioner import murmur2 as peer

from rollcall_domain.partition import murmur2, partition_for


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_as_the_java_client_does(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % 2**32


def test_hashes_keys_of_every_length_as_another_client_does() -> None:
    keys = [random.Random(length).randbytes(length) for length in range(257)]
    assert [murmur2(key) for key in keys] == [peer(key) for key in keys]


def test_a_partition_is_the_hash_without_its_sign_modulo_the_count() -> None:
    assert partition_for(b"21", 6) == (-973932308 & 0x7FFFFFFF) % 6
    assert {partition_for(f"s-{n}".encode(), 6) for n in range(100)} == {0, 1, 2, 3, 4, 5}
