"""What `scripts/up --demo` adds: a school day that is played to the API again and again."""

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from rollcall_dev.processes import Child, running, show
from rollcall_dev.school.classes import STUDENTS
from rollcall_dev.school.clock import SPEED
from rollcall_domain.service.settings import PREFIX

SUMMARY = f"a school day of {STUDENTS} students at {SPEED} times the speed, again and again"

QUIET: Mapping[str, str] = {PREFIX + "LOG_RECORDS": "false", PREFIX + "ACCESS_LOG_RATE": "0"}
"""Settings of services that keep single updates out of their logs, where one wants to see how it goes on."""

_STOP_LIMIT = 5.0


def welcome() -> None:
    """Say what there is to be seen."""
    show("rollcall", f"demo   {SUMMARY}")


def playing(api: str, *, used: bool) -> AbstractAsyncContextManager[Child]:
    """Play while the body runs.

    Args:
        api: Where the API is.
        used: Whether there are updates of an earlier demonstration, which may have been cut short.
    """
    options = ["--url", api, "--forever", *(["--sweep"] if used else [])]
    return running("school", ["rollcall_dev.school", *options], os.environ, grace=_STOP_LIMIT)
