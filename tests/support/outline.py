"""What a page is made of, as far as browsers and screen readers go by it."""

from html.parser import HTMLParser


class Outline(HTMLParser):
    """The outline of a page.

    Attributes:
        ids: Of elements, in order.
        links: Where links lead.
        headings: Levels of headings, in order.
        landmarks: Elements that screen readers jump to.
        language: What it is written in.
        unnamed_groups: Groups that nobody can tell from others.
        foreign: Whatever a strict Content-Security-Policy would stop.
        styles: The text of style elements.
        text: All text.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.landmarks: set[str] = set()
        self.language = ""
        self.unnamed_groups = 0
        self.foreign: list[str] = []
        self.styles: list[str] = []
        self.text = ""
        self._tag = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        attributes = {name: value or "" for name, value in attrs}
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "html":
            self.language = attributes.get("lang", "")
        if tag == "a":
            self.links.append(attributes["href"])
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(int(tag[1]))
        if tag in {"header", "nav", "main"}:
            self.landmarks.add(tag)
        self.unnamed_groups += attributes.get("role") == "group" and not attributes.get("aria-label")
        stopped = {"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video"}
        if tag in stopped or any(name == "style" or name.startswith("on") for name in attributes):
            self.foreign.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - as HTMLParser has it
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag == "style":
            self.styles.append(data)
        self.text += data
