"""HTML from Python: elements whose text is escaped, whatever it is."""

from html import escape
from re import split


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Html:
    """Build an element.

    Args:
        name: What it is called.
        children: Elements, and text, which is escaped.
        attributes: Escaped as well. A trailing underscore is left out of a name, and others are hyphens.
    """
    given = "".join(f' {key.strip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>{joined(children)}</{name}>")


def joined(parts: tuple[str, ...] | list[Html], separator: str = "") -> Html:
    """Put elements and text side by side."""
    return Html(separator.join(part if isinstance(part, Html) else escape(part, quote=False) for part in parts))


def prose(text: str) -> Html:
    """Show text in which code stands between backticks."""
    return joined(tuple(tag("code", part) if at % 2 else part for at, part in enumerate(split("`", text))))


def section(name: str, title: str, *children: str) -> Html:
    """Build a section with a heading, to which links lead by its name."""
    return tag("section", tag("h2", title, id=name), *children, aria_labelledby=name)


def term(*said: str, meaning: str) -> Html:
    """Build an entry of a list of descriptions."""
    return joined((tag("dt", *said), tag("dd", prose(meaning))))


def scrolled(content: Html, label: str) -> Html:
    """Let what is too wide scroll by itself, also by keyboard."""
    return tag("div", content, class_="scroll", role="group", tabindex="0", aria_label=label)


def code(text: str, label: str) -> Html:
    """Show a block of code."""
    return scrolled(tag("pre", tag("code", text)), label)
