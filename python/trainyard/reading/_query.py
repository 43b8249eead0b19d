"""
The parser of filters: recursive descent to closures over a run's fields; nothing of a filter is ever run as code.

The grammar stands in docs/query-language.md. A value is a float, text, bool or tuple of these; None is no value.
"""

import sys
from typing import Callable, List, NamedTuple, Optional, Tuple

from . import _values as v
from ._tokens import FilterError, Token, tokenize
from ._values import Evaluator, Fields, Value

_MAX_DEPTH = 100
_CALLS = 5000
_COMPARING = {"=": "=", "==": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "~": "~", "!~": "!~"}


class Expression(NamedTuple):
    """``type``: number, text, boolean, or any where a field decides. ``fields``: each with its place."""

    type: str
    start: int
    end: int
    value: Evaluator
    fields: Tuple[Tuple[str, int, int], ...] = ()
    #: A number as it stands in the text.
    literal: Optional[float] = None


def parse_filter(text: str) -> Expression:
    """A condition. :raises FilterError: it cannot be understood; with the place"""
    parser = _Parser(text)
    expression = parser.whole()
    parser.expect(expression, "boolean")
    return expression


def parse_value(text: str) -> Expression:
    """A value, as derived metrics are. :raises FilterError:"""
    return _Parser(text).whole()


def holds(expression: Expression, fields: Fields) -> bool:
    """Truth is ``True`` alone: a number or a text is no condition, and neither is a value that is missing."""
    return expression.value(fields) is True


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        # A bracket takes ten calls: the depth that the language allows needs more than Python's usual thousand.
        usual = sys.getrecursionlimit()
        sys.setrecursionlimit(max(usual, _CALLS))
        try:
            return self._whole()
        finally:
            sys.setrecursionlimit(usual)

    def _whole(self) -> Expression:
        if len(self._tokens) <= 1:
            raise self._error("it is empty", self._next.start, self._next.end)
        expression = self._or()
        if self._next.type != "end":
            raise self._unexpected("an operator or the end")
        return expression

    def expect(self, expression: Expression, wanted: str) -> None:
        if wanted == "any" or expression.type in ("any", wanted):
            return
        names = {"boolean": "a condition", "number": "a number", "text": "a text"}
        message = "%s is needed, not %s" % (names[wanted], names[expression.type])
        raise self._error(message, expression.start, expression.end)

    @property
    def _next(self) -> Token:
        return self._tokens[min(self._at, len(self._tokens) - 1)]

    def _take(self, *values: str) -> Optional[Token]:
        token = self._next
        if token.type not in ("symbol", "word") or token.value not in values:
            return None
        self._at += 1
        return token

    def _or(self) -> Expression:
        return self._chain(("or", "||"), self._and, v.either)

    def _and(self) -> Expression:
        return self._chain(("and", "&&"), self._not, v.both)

    def _chain(self, words: Tuple[str, ...], part: Callable[[], Expression], join: Callable[[Evaluator, Evaluator], Evaluator]) -> Expression:
        left = part()
        while self._take(*words):
            right = part()
            self.expect(left, "boolean")
            self.expect(right, "boolean")
            left = _around("boolean", left, right, join(left.value, right.value))
        return left

    def _not(self) -> Expression:
        token = self._take("not", "!")
        if token is None:
            return self._comparison()
        operand = self._nested(self._not)
        self.expect(operand, "boolean")
        return Expression("boolean", token.start, operand.end, v.inverse(operand.value), operand.fields)

    def _comparison(self) -> Expression:
        left = self._sum()
        if self._take("is"):
            return self._present(left, self._take("not") is not None)
        mark = self._at
        negated = self._take("not") is not None
        if self._take("in"):
            return self._in(left, negated)
        if negated:
            if self._take("like"):
                like = self._compare(left, "like")
                # What is missing is not unlike anything.
                return like._replace(value=v.both(v.present(left.value, True), v.inverse(like.value)))
            self._at = mark
        operator = self._take(*_COMPARING, "like")
        if operator is None:
            return left
        comparison = _COMPARING.get(str(operator.value), "like")
        if self._next.type == "word" and self._next.value == "null":
            if comparison not in ("=", "!="):
                raise self._error("null can only be compared with = and !=", self._next.start, self._next.end)
            return self._present(left, comparison == "!=")
        compared = self._compare(left, comparison)
        if self._take(*_COMPARING):
            self._at -= 1
            raise self._error("comparisons do not stand in a row", self._next.start, self._next.end)
        return compared

    def _compare(self, left: Expression, operator: str) -> Expression:
        right = self._sum()
        if operator in ("~", "!~", "like"):
            self.expect(left, "text")
            self.expect(right, "text")
        else:
            if "any" not in (left.type, right.type) and left.type != right.type:
                raise self._error("the two sides can never be equal: they are of different types", left.start, right.end)
            if left.type == "boolean" and operator not in ("=", "!="):
                raise self._error("conditions have no order", left.start, right.end)
        return _around("boolean", left, right, v.compare(operator, left.value, right.value))

    def _present(self, operand: Expression, there: bool) -> Expression:
        token = self._take("null")
        if token is None:
            raise self._unexpected("null")
        return Expression("boolean", operand.start, token.end, v.present(operand.value, there), operand.fields)

    def _in(self, operand: Expression, negated: bool) -> Expression:
        opened = self._take("(", "[")
        if opened is None:
            choices = [self._sum()]
            end = choices[0].end
        else:
            close = ")" if opened.value == "(" else "]"
            choices = [self._nested(self._sum)]
            while self._take(","):
                choices.append(self._nested(self._sum))
            closed = self._take(close)
            if closed is None:
                raise self._unexpected('"," or "%s"' % close)
            end = closed.end
        fields = operand.fields + tuple(field for choice in choices for field in choice.fields)
        value = v.member(operand.value, [choice.value for choice in choices], negated)
        return Expression("boolean", operand.start, end, value, fields)

    def _sum(self) -> Expression:
        return self._arithmetic(("+", "-"), self._product)

    def _product(self) -> Expression:
        return self._arithmetic(("*", "/"), self._unary)

    def _arithmetic(self, operators: Tuple[str, ...], part: Callable[[], Expression]) -> Expression:
        left = part()
        token = self._take(*operators)
        while token is not None:
            left = self._calculate(str(token.value), left, part())
            token = self._take(*operators)
        return left

    def _calculate(self, operator: str, left: Expression, right: Expression) -> Expression:
        self.expect(left, "number")
        self.expect(right, "number")
        return _around("number", left, right, v.arithmetic(operator, left.value, right.value))

    def _unary(self) -> Expression:
        sign = self._take("-", "+")
        if sign is None:
            return self._power()
        operand = self._nested(self._unary)
        self.expect(operand, "number")
        if sign.value == "+":
            if operand.literal is not None:
                return operand
            # Not the operand alone: a text is no number, with a sign before it neither.
            return Expression("number", sign.start, operand.end, v.arithmetic("*", lambda _: 1.0, operand.value), operand.fields)
        if operand.literal is not None:
            return _number(-operand.literal, sign.start, operand.end)
        return Expression("number", sign.start, operand.end, v.negative(operand.value), operand.fields)

    def _power(self) -> Expression:
        base = self._primary()
        if self._take("^", "**") is None:
            return base
        return self._calculate("^", base, self._nested(self._unary))

    def _primary(self) -> Expression:
        token = self._next
        self._at += 1
        if token.type == "number":
            return _number(float(token.value), token.start, token.end)
        if token.type == "text":
            return Expression("text", token.start, token.end, v.constant(token.value))
        if token.type == "field":
            name = str(token.value)
            return Expression("any", token.start, token.end, v.field(name), ((name, token.start, token.end),))
        if token.type == "word":
            return self._word(str(token.value), token)
        if token.type == "symbol" and token.value == "(":
            inner = self._nested(self._or)
            close = self._take(")")
            if close is None:
                raise self._unexpected('")"')
            return inner._replace(start=token.start, end=close.end)
        self._at -= 1
        raise self._unexpected("a value")

    def _word(self, word: str, token: Token) -> Expression:
        start, end = token.start, token.end
        if word in ("true", "false"):
            return Expression("boolean", start, end, v.constant(word == "true"))
        if word in ("inf", "infinity"):
            return _number(float("inf"), start, end)
        if word == "nan":
            raise self._error("nothing equals nan, not even itself", start, end)
        if word == "null":
            raise self._error("null stands alone", start, end)
        shape = v.FUNCTIONS.get(word)
        if shape is None:
            raise self._error("%s is no field and no function" % word, start, end)
        if self._take("(") is None:
            raise self._unexpected('"(" behind %s' % word)
        args: List[Expression] = []
        if self._take(")") is None:
            args.append(self._nested(self._or))
            while self._take(","):
                args.append(self._nested(self._or))
            if self._take(")") is None:
                raise self._unexpected('"," or ")"')
        end = self._tokens[self._at - 1].end
        if not shape.least <= len(args) <= shape.most:
            count = str(shape.least) if shape.least == shape.most else "%d or more" % shape.least
            plural = "" if shape.least == 1 and shape.most == 1 else "s"
            raise self._error("%s takes %s argument%s, not %d" % (word, count, plural, len(args)), start, end)
        for index, arg in enumerate(args):
            self.expect(arg, ("boolean" if index == 0 else "any") if shape.args == "if" else shape.args)
        fields = tuple(field for arg in args for field in arg.fields)
        return Expression(shape.gives, start, end, v.call(word, [arg.value for arg in args]), fields)

    def _nested(self, part: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error("it is nested too deeply", self._next.start, self._next.end)
        expression = part()
        self._depth -= 1
        return expression

    def _unexpected(self, wanted: str) -> FilterError:
        token = self._next
        found = "the end" if token.type == "end" else "the text %s" % token.value if token.type == "text" else str(token.value)
        return self._error("%s is needed here, not %s" % (wanted, found), token.start, token.end)

    def _error(self, message: str, start: int, end: int) -> FilterError:
        return FilterError(message, self._text, start, end)


def _number(value: float, start: int, end: int) -> Expression:
    return Expression("number", start, end, v.constant(value), (), value)


def _around(type: str, left: Expression, right: Expression, value: Callable[[Fields], Value]) -> Expression:
    return Expression(type, left.start, right.end, value, left.fields + right.fields)
