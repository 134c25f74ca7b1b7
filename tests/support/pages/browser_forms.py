"""The forms of a page, and what a browser without scripts sends for each as it is shown."""

from html.parser import HTMLParser

Fields = list[tuple[str, str]]


class Forms(HTMLParser):
    """Action and fields of each form that posts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, Fields]] = []
        self.fields: Fields | None = None
        self.select: tuple[str, list[tuple[str, bool]]] | None = None
        self.area: tuple[str, list[str]] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.fields = []
            if given.get("method") == "post":
                self.found.append((given["action"], self.fields))
        name = given.get("name", "")
        if tag == "option" and self.select:
            self.select[1].append((given.get("value", ""), "selected" in given))
        if self.fields is None or not name:
            return
        if tag == "input" and (
            given.get("type") not in ("checkbox", "radio", "file") or "checked" in given
        ):
            self.fields.append((name, given.get("value", "")))
        if tag == "select":
            self.select = (name, [])
        if tag == "textarea":
            self.area = (name, [])

    def handle_data(self, data: str) -> None:
        if self.area:
            self.area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if self.fields is None:
            return
        if tag == "select" and self.select:
            name, options = self.select
            chosen = [value for value, is_selected in options if is_selected]
            if options:
                self.fields.append((name, (chosen or [options[0][0]])[-1]))
            self.select = None
        if tag == "textarea" and self.area:
            # A browser drops the line break behind the tag, and sends the others as CR LF.
            text = "".join(self.area[1]).removeprefix("\n")
            self.fields.append((self.area[0], text.replace("\n", "\r\n")))
            self.area = None
        if tag == "form":
            self.fields = None
