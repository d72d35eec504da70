"""Ask a service's health from inside its container: `python -m rollcall_domain.service.probe /readyz`."""

import os
import ssl
import sys
from collections.abc import Mapping
from urllib.request import HTTPSHandler, ProxyHandler, build_opener


def any_certificate() -> ssl.SSLContext:
    """Trust whatever answers: for asking a process of one's own, whose certificate bears the name that others use."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def own_url(environ: Mapping[str, str], path: str) -> str:
    """Build the URL of a path of the service that has this environment."""
    scheme = "https" if environ.get("ROLLCALL_TLS_CERTIFICATE_FILE") else "http"
    host = environ.get("ROLLCALL_HOST", "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - who listens on all hears this one
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{environ['ROLLCALL_PORT']}{path}"


def main() -> int:
    """Ask for one path, at the address that the service's own environment tells.

    Returns:
        0 if it answers 200 within two seconds, and else 1.
    """
    if len(sys.argv) != 2 or "ROLLCALL_PORT" not in os.environ:  # noqa: PLR2004
        sys.exit("needs one argument, the path, and ROLLCALL_PORT")
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=any_certificate()))
    try:
        with opener.open(own_url(os.environ, sys.argv[1]), timeout=2) as response:
            return int(response.status != 200)  # noqa: PLR2004
    except OSError as error:
        print(error)  # noqa: T201 - shown by `docker inspect`
        return 1


if __name__ == "__main__":
    sys.exit(main())
