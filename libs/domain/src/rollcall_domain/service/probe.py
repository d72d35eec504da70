"""Ask a service's health from inside its container: `python -m rollcall_domain.service.probe URL`."""

import sys
from urllib.request import ProxyHandler, build_opener


def main() -> int:
    """Ask one URL.

    Returns:
        0 if it answers 200 within two seconds, and else 1.
    """
    try:
        with build_opener(ProxyHandler({})).open(sys.argv[1], timeout=2) as response:
            return int(response.status != 200)  # noqa: PLR2004
    except OSError as error:
        print(error)  # noqa: T201 - shown by `docker inspect`
        return 1


if __name__ == "__main__":
    sys.exit(main())
