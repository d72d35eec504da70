import pytest

from rollcall_domain.errors import ConfigurationError
from rollcall_producer.cors import parse_origins


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", []),
        ("*", ["*"]),
        ("https://app.example", ["https://app.example"]),
        (
            "https://app.example, http://localhost:3000,http://[::1]:8080,app+x://a-b",
            ["https://app.example", "http://localhost:3000", "http://[::1]:8080", "app+x://a-b"],
        ),
    ],
)
def test_reads_origins(text: str, origins: list[str]) -> None:
    assert parse_origins(text) == origins


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("https://app.example,*", "* stands for all origins, and so alone"),
        ("https://app.example/", "'https://app.example/' is no origin"),
        ("https://app.example,", "'' is no origin"),
        ("app.example", "'app.example' is no origin"),
        ("HTTPS://App.example", "'HTTPS://App.example' is no origin"),
        ("null", "'null' is no origin"),
        ("https://*.example", "'https://*.example' is no origin"),
        ("https://a.example https://b.example", "is no origin"),
        ("https://app.example:443", "'https://app.example:443' has a port that browsers leave out"),
        ("http://app.example:80", "has a port that browsers leave out"),
    ],
)
def test_names_what_is_no_origin(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_origins(text)
    assert str(caught.value).startswith("ROLLCALL_CORS_ORIGINS: ")
    assert fault in str(caught.value)
