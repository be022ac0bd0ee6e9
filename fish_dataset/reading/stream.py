"""A large JSON object, read block by block.

The lists that matter are decoded a slice at a time, so that memory holds one slice's objects and
never the document. A slice is cut where it seems that one element ends, and decoded as a list of
its own. That proves the cut: read from the left, JSON has one meaning, so what decodes as a whole
list ended outside of any string and at the list's own level. Where it does not decode, the next
cut is looked for by following strings and brackets.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_SPACES = re.compile(rb"[ \t\n\r]*")
_NEXT = re.compile(rb"\}[ \t\n\r]*,[ \t\n\r]*\{")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\n\r,\]}]+")
_GUESSES = 4


class NotPlainError(ValueError):
    """The file is no JSON, or JSON of a kind that has to be read whole (NaN, a key twice, …)."""


class Readable(Protocol):
    """A binary stream, of which no more is asked."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


def stream_lists(
    stream: Readable, decoders: Mapping[str, msgspec.json.Decoder]
) -> Iterator[tuple[str, list[Any]]]:
    """The elements of some lists of a JSON object, in the order of the file.

    Args:
        stream: The file, at its beginning.
        decoders: By key of the top level, what decodes a slice of its list. The values of other
            keys are decoded and dropped.

    Yields:
        The key and some thousand elements; an empty list first for each key, so that a key of an
        empty list is seen too.

    Raises:
        NotPlainError: also where a key's value is no list, or its elements are not what the
            decoder takes. Read the file whole then, to say what is wrong with it.
    """
    seen: set[str] = set()
    try:
        text = _Text(stream)
        text.expect(b"{")
        while True:
            key = msgspec.json.decode(text.value())
            text.expect(b":")
            if not isinstance(key, str) or key in seen:
                raise NotPlainError
            seen.add(key)
            if key in decoders:
                yield key, []
                for elements in _elements(text, decoders[key]):
                    yield key, elements
            else:
                msgspec.json.decode(text.value())
            if not text.another(b"}"):
                break
        text.expect_end()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise NotPlainError from error


def _elements(text: _Text, decoder: msgspec.json.Decoder) -> Iterator[list[Any]]:
    text.expect(b"[")
    if text.peek() == b"]":
        text.expect(b"]")
        return
    while True:
        cut = text.likely_cut()
        try:
            elements = decoder.decode(text.as_list(cut)) if cut else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            elements = None
        if elements is None:
            cut = text.cut()
            elements = decoder.decode(text.as_list(cut))
        if not elements:
            raise NotPlainError  # a comma without an element after it
        yield elements
        text.at = cut
        if not text.another(b"]"):
            return


class _Text:
    """The part of the file that is not yet used: ``data[at:]`` and what ``stream`` still holds."""

    def __init__(self, stream: Readable) -> None:
        self.stream = stream
        self.data = b""
        self.at = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self.fill()
        self.at = len(_BOM) if self.data.startswith(_BOM) else 0

    def fill(self) -> bool:
        """Reads on, as much as is held already; False at the end of the file."""
        more = self.stream.read(max(BLOCK, len(self.data) - self.at))
        self._utf8.decode(more, final=not more)  # decoders do not look into strings they skip
        self.data = self.data[self.at :] + more
        self.at = 0
        return bool(more)

    def peek(self) -> bytes:
        """The next byte that is no space, which ``at`` is moved to; empty at the end."""
        while True:
            self.at = _SPACES.match(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.data) or not self.fill():
                return self.data[self.at : self.at + 1]

    def expect(self, byte: bytes) -> None:
        """Steps over ``byte``."""
        if self.peek() != byte:
            raise NotPlainError
        self.at += 1

    def expect_end(self) -> None:
        """Nothing but spaces may follow."""
        if self.peek():
            raise NotPlainError

    def another(self, close: bytes) -> bool:
        """Steps over a comma (True) or ``close`` (False)."""
        more = self.peek() == b","
        self.expect(b"," if more else close)
        return more

    def value(self) -> bytes:
        """Steps over one value; its bytes."""
        first = self.peek()
        while True:
            if first in b"[{":
                end = self._closed(self.at)[0]
            else:
                match = (_STRING if first == b'"' else _SCALAR).match(self.data, self.at)
                end = match.end() if match else 0
                if end == len(self.data) and first != b'"' and self.fill():
                    continue  # a number that may go on in the next block
            if end:
                value = self.data[self.at : end]
                self.at = end
                return value
            if first == b"" or not self.fill():
                raise NotPlainError

    def likely_cut(self) -> int:
        """Where an element seems to end, as far on as the text is held; 0 where none does."""
        if len(self.data) - self.at < BLOCK:
            self.fill()
        end = len(self.data)
        for _ in range(_GUESSES):
            end = self.data.rfind(b"}", self.at, end)
            if end < 0:
                return 0
            if _NEXT.match(self.data, end):
                return end + 1
        return 0

    def cut(self) -> int:
        """Where an element ends for certain, as far on as possible, or the list closes."""
        while True:
            end, close = self._closed(self.at, inside=True)
            if close or end:
                return close or end
            if not self.fill():
                raise NotPlainError

    def as_list(self, end: int) -> bytes:
        """The text up to ``end`` as a JSON list."""
        return b"[%b]" % self.data[self.at : end]

    def _closed(self, start: int, inside: bool = False) -> tuple[int, int]:
        """Follows brackets from ``start``.

        Returns:
            The end of the first value there (0: not held yet); or, ``inside`` a list, the end of
            the last element that is held whole, and where the list's own bracket closes.
        """
        depth = end = 0
        for token in _TOKEN.finditer(self.data, start):
            byte = token[0]
            if byte == b'"':
                break  # a string that goes on in the next block
            if byte in (b"[", b"{"):
                depth += 1
            elif byte in (b"]", b"}"):
                depth -= 1
                if depth < 0:
                    return end, token.start()
                if depth == 0:
                    end = token.end()
                    if not inside:
                        break
        return end, 0
