"""From the text of a filter to tokens. The same language as the server's (docs/query-language.md); shared vectors hold the two together."""

import re
from typing import List, NamedTuple, Optional, Union

MAX_LENGTH = 4000
NAMESPACES = ("record", "params", "metrics", "derived")
METRIC_PARTS = ("last", "min", "max", "first", "count", "last_step", "min_step", "max_step")

_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPACE = re.compile(r"[\s\ufeff]+")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# "/" belongs to a name when a name goes on behind it: `metrics.eval/loss`.
_BARE_NAME = re.compile(r"[\w@$#%]+(?:[./][\w@$#%]+)*")
_SYMBOLS = ("!=", "==", "<=", ">=", "!~", "&&", "||", "**", "=", "<", ">", "~", "!", "(", ")", ",", "+", "-", "*", "/", "^", "[", "]")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'", "`": "`"}
_QUOTES = "\"'`"


def metric_field(name: str, part: str = "last") -> str:
    """The field of a metric's value. No two share one: of a metric that is called ``loss:min`` also the last value names its part."""
    bare = part == "last" and not name.endswith(tuple(":%s" % one for one in METRIC_PARTS))
    return "metrics.%s" % name if bare else "metrics.%s:%s" % (name, part)


class FilterError(ValueError):
    """
    A filter that cannot be understood. ``start`` and ``end`` say where in its text (from 0, end exclusive; counted in UTF-16 units,
    as the server counts).
    """

    def __init__(self, message: str, text: str, start: int, end: int) -> None:
        self.start, self.end = _units(text, start), _units(text, end)
        super().__init__("%s (at character %d)" % (message, self.start + 1))


def _units(text: str, index: int) -> int:
    return len(text[:index].encode("utf-16-le", "surrogatepass")) // 2


class Token(NamedTuple):
    #: number, text, field, word (in lower case), symbol, end
    type: str
    value: Union[str, float]
    start: int
    end: int


def tokenize(text: str) -> List[Token]:
    """:raises FilterError:"""
    length = _units(text, len(text))
    if length > MAX_LENGTH:
        raise FilterError("it has %d characters, more than %d" % (length, MAX_LENGTH), text, MAX_LENGTH, len(text))
    return _Lexer(text).tokens()


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def tokens(self) -> List[Token]:
        found: List[Token] = []
        text = self._text
        while self._at < len(text):
            if self._eat(_SPACE):
                continue
            start = self._at
            if text[start] in _QUOTES:
                found.append(Token("text", self._quoted(), start, self._at))
                continue
            number = self._eat(_NUMBER)
            if number:
                behind = _WORD.match(text, self._at)
                if behind:
                    raise self._error("%s%s is no number" % (number, behind.group()), start)
                found.append(Token("number", float(number), start, self._at))
                continue
            word = self._eat(_WORD)
            if word:
                if self._char() == "." and word in NAMESPACES:
                    found.append(self._field(word, start))
                else:
                    found.append(Token("word", word.lower(), start, self._at))
                continue
            symbol = next((one for one in _SYMBOLS if text.startswith(one, start)), None)
            if symbol is None:
                raise self._error("%s means nothing here" % text[start], start)
            self._at += len(symbol)
            found.append(Token("symbol", symbol, start, self._at))
        found.append(Token("end", "", len(text), len(text)))
        return found

    def _char(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._text[place] if place < len(self._text) else ""

    def _eat(self, pattern: "re.Pattern[str]") -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _error(self, message: str, start: int) -> FilterError:
        return FilterError(message, self._text, start, min(len(self._text), max(self._at, start + 1)))

    def _quoted(self) -> str:
        start = self._at
        quote = self._char()
        self._at += 1
        value = ""
        while True:
            character = self._char()
            self._at += 1
            if character == "":
                raise self._error("the quote %s is not closed" % quote, start)
            if character == quote:
                return value
            if character != "\\":
                value += character
                continue
            escaped = self._char()
            self._at += 1
            known: Optional[str] = _ESCAPES.get(escaped)
            if known is None:
                raise self._error("\\%s means nothing" % escaped, self._at - 2)
            value += known

    def _field(self, namespace: str, start: int) -> Token:
        self._at += 1
        name = ""
        while True:
            character = self._char()
            name += self._quoted() if character and character in _QUOTES else self._eat(_BARE_NAME)
            behind = self._char(1)
            # A quoted part may be followed by further ones: params."a b".c
            if self._char() != "." or not behind or not (behind in _QUOTES or behind == "_" or behind.isalnum()):
                break
            name += "."
            self._at += 1
        if name == "":
            raise self._error("%s. has no name behind it" % namespace, start)
        part = "last"
        if namespace == "metrics" and self._char() == ":":
            self._at += 1
            part = self._eat(_WORD)
            if part not in METRIC_PARTS:
                raise self._error("a metric has no %s" % (part or "nameless part"), start)
        field = metric_field(name, part) if namespace == "metrics" else "%s.%s" % (namespace, name)
        return Token("field", field, start, self._at)
