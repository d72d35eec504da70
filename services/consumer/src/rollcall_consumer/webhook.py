"""Webhooks, as Standard Webhooks has them: an id, a time, and signatures by secrets that both sides know.

See https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.files import read_secret, unfit

PREFIX = "whsec_"
"""How a secret may begin; it is followed by Base64."""

SHORTEST = 24
"""Bytes of a secret at the least."""


class Signer:
    """Signs messages.

    Args:
        keys: The keys, one at the least for there to be a signature. With two of them receivers can change theirs
            at leisure.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys

    def headers(self, identity: str, seconds: int, body: bytes) -> dict[str, str]:
        """Give the headers that a message is sent with.

        Args:
            identity: The message's id, the same at each try.
            seconds: When it is sent, in seconds since 1970, UTC.
            body: What is sent.
        """
        headers = {"webhook-id": identity, "webhook-timestamp": str(seconds)}
        if self._keys:
            told = b"%s.%d.%s" % (identity.encode(), seconds, body)
            headers["webhook-signature"] = " ".join(_sign(key, told) for key in self._keys)
        return headers


def _sign(key: bytes, told: bytes) -> str:
    return "v1," + binascii.b2a_base64(hmac.digest(key, told, sha256), newline=False).decode()


def signer(settings: ConsumerSettings) -> Signer:
    """Make what signs with the secrets of the settings.

    Raises:
        ConfigurationError: A secret is not as it has to be, or its file can't be read.
    """
    if settings.webhook_secret is None and settings.webhook_secret_file is None:
        return Signer([])
    return Signer([_key(word) for word in read_secret(settings, "webhook_secret").split()])


def _key(secret: str) -> bytes:
    try:
        key = binascii.a2b_base64(secret.removeprefix(PREFIX), strict_mode=True)
    except ValueError:
        key = b""
    if len(key) < SHORTEST:
        raise unfit("webhook_secret", f"a secret is {PREFIX} and Base64 of {SHORTEST} bytes or more")
    return key


def addresses(settings: ConsumerSettings) -> dict[str, str]:
    """Give the address for each rule's alerts; that for all others has no name.

    Raises:
        ConfigurationError: There is none for all others, or one is not as it has to be.
    """
    if settings.webhook_url is None:
        raise unfit("webhook_url", "is needed by notify: where alerts are sent")
    found = {"": settings.webhook_url}
    for route in settings.webhook_routes.split():
        rule, _, url = route.partition("=")
        found[rule] = url
    return found
