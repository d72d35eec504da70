"""Ask a service's health from inside its container: `python -m rollcall_domain.service.probe URL`."""

import sys
from urllib.error import URLError
from urllib.request import urlopen


def main() -> int:
    """Ask one URL.

    Returns:
        0 if it answers 200 within two seconds, and else 1.
    """
    try:
        with urlopen(sys.argv[1], timeout=2) as response:  # noqa: S310 - the image's own command line
            return int(response.status != 200)  # noqa: PLR2004
    except URLError as error:
        print(error)  # noqa: T201 - shown by `docker inspect`
        return 1


if __name__ == "__main__":
    sys.exit(main())
