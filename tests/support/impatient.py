"""The producer with limits of a test's own: `python impatient.py LIMITS`, the limits in JSON."""

import sys
from functools import partial

import msgspec

from rollcall_domain.service.process import run
from rollcall_producer.connections import Limits
from rollcall_producer.service import serve
from rollcall_producer.settings import ProducerSettings

if __name__ == "__main__":
    sys.exit(run(ProducerSettings, partial(serve, limits=msgspec.json.decode(sys.argv[1], type=Limits))))
