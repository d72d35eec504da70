"""Files that settings name. What was renewed or mended is found at the next reading."""

from pathlib import Path

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.secret import Secret
from rollcall_domain.service.settings import ServiceSettings, env_name


def unfit(field: str, fault: str) -> ConfigurationError:
    """Say what is wrong with a setting, by its field."""
    return ConfigurationError(env_name(field), fault)


def read_bytes(settings: ServiceSettings, field: str) -> bytes:
    """Read the file that a setting names.

    Raises:
        ConfigurationError: It can't be read. The error does not repeat the path, in place of which somebody may have
            given a secret.
    """
    try:
        return Path(getattr(settings, field)).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no path"
        raise unfit(field, f"the file can't be read: {reason}") from error


def read_word(settings: ServiceSettings, field: str) -> str:
    """Read a password or a token from the file that a setting names, without the end of its line.

    Raises:
        ConfigurationError: It can't be read, is empty, or is no text in UTF-8.
    """
    try:
        word = read_bytes(settings, field).decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise unfit(field, "the file is no text in UTF-8") from error
    if not word:
        raise unfit(field, "the file is empty")
    return word


def read_secret(settings: ServiceSettings, field: str) -> str:
    """Give the secret of a setting, or the one in the file that its other form names.

    Raises:
        ConfigurationError: The file can't be read, is empty, or is no text in UTF-8.
    """
    secret: Secret | None = getattr(settings, field)
    return read_word(settings, f"{field}_file") if secret is None else secret.reveal()
