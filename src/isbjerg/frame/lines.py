"""In which line of a TOML text each key stands.

`tomllib` gives values without their places. This scanner reads the same text once more and
keeps nothing but places. It expects text that `tomllib` has accepted, so it does not judge:
it only has to know where strings, comments and brackets end.
"""

from __future__ import annotations

Path = tuple[str | int, ...]
"""Where a value stands: names of tables and keys, and numbers within arrays of tables."""

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def find_lines(text: str) -> dict[Path, int]:
    r"""Find the line of every table and key of a valid TOML text, counted from 1.

    A table that is opened twice (``[a.b]``, then ``[a]``) keeps its own header's line; one
    that is only implied by others has the line where it is first implied.

    Examples
    --------
    >>> find_lines('a = "x = 1"\n[t]\nb.c = { d = 1 } # e = 2\n')
    {('a',): 1, ('t',): 2, ('t', 'b'): 3, ('t', 'b', 'c'): 3, ('t', 'b', 'c', 'd'): 3}
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


class _Scanner:
    """A reading position in a text, and the lines found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while self._next_sign():
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line, arrays = self.line, self.text.startswith("[[", self.at)
        self.at += 2 if arrays else 1
        names = self._key()
        self.at += 2 if arrays else 1
        path = self._place(names, line)
        if arrays:
            number = self._counts.get(path, -1) + 1
            self._counts[path] = number
            path = (*path, number)
        self.lines[path] = line
        return path

    def _place(self, names: list[str], line: int) -> Path:
        """Resolve a header: a name that is an array of tables means its last table."""
        path: Path = ()
        for position, name in enumerate(names):
            path = (*path, name)
            self.lines.setdefault(path, line)
            if path in self._counts and position < len(names) - 1:
                path = (*path, self._counts[path])
        return path

    def _pair(self, table: Path) -> None:
        line, path = self.line, table
        for name in self._key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self.at += 1  # the sign "="
        self._skip_blank()
        self._value(path)

    def _key(self) -> list[str]:
        names = []
        while True:
            self._skip_blank()
            names.append(self._string() if self._peek() in "\"'" else self._bare())
            self._skip_blank()
            if self._peek() != ".":
                return names
            self.at += 1

    def _value(self, path: Path) -> None:
        match self._peek():
            case "{":
                self._members("}", path)
            case "[":
                self._members("]", path)
            case '"' | "'":
                self._string()
            case _:
                self._scalar()

    def _members(self, end: str, path: Path) -> None:
        self.at += 1
        number = 0
        while self._next_sign() and self._peek() != end:
            if self._peek() == ",":
                self.at += 1
                continue
            if end == "}":
                self._pair(path)
            else:
                self._value((*path, number))
                number += 1
        self.at += 1

    def _scalar(self) -> None:
        while self._peek() not in ",]}#\n":
            self.at += 1

    def _bare(self) -> str:
        start = self.at
        while self._peek().isalnum() or self._peek() in "_-":
            self.at += 1
        return self.text[start : self.at]

    def _string(self) -> str:
        quote = self._peek()
        if self.text.startswith(quote * 3, self.at):
            return self._long_string(quote)
        self.at += 1
        letters = []
        while (sign := self._peek()) != quote:
            letters.append(self._escaped() if sign == "\\" and quote == '"' else sign)
            self.at += 1
        self.at += 1
        return "".join(letters)

    def _escaped(self) -> str:
        self.at += 1
        sign = self._peek()
        if sign in "uU":
            size = 4 if sign == "u" else 8
            code = self.text[self.at + 1 : self.at + 1 + size]
            self.at += size
            return chr(int(code, 16))
        return _ESCAPES.get(sign, sign)

    def _long_string(self, quote: str) -> str:
        start = self.at
        self.at += 3
        while not self.text.startswith(quote * 3, self.at):
            self.at += 2 if quote == '"' and self._peek() == "\\" else 1
        self.at += 3
        while self._peek() == quote:  # up to two quotes may stand before the closing three
            self.at += 1
        self.line += self.text.count("\n", start, self.at)
        return self.text[start + 3 : self.at - 3]

    def _next_sign(self) -> bool:
        """Pass white space, line ends and comments; tell whether text is left."""
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "#":
                while self._peek() != "\n":
                    self.at += 1
            elif sign == "\n":
                self.line += 1
                self.at += 1
            elif sign in " \t\ufeff":
                self.at += 1
            else:
                return True
        return False

    def _skip_blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def _peek(self) -> str:
        """Give the next sign; past the end, a line end."""
        return self.text[self.at] if self.at < len(self.text) else "\n"
