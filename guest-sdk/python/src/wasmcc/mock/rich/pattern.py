"""Regular expressions: the part of PCRE that Python's engine supports. The rest is refused by name.
"""

import re

from .refusal import Unknown

# Sets of characters, which contain ASCII only, as written within a class.
_SETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t-\r\x20"}
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "a": "\x07", "e": "\x1b"}
_ENDS = {"A": r"\A", "z": r"\Z", "Z": "$", "b": r"(?a:\b)", "B": r"(?a:\B)"}
_COUNTS = re.compile(r"\{[0-9]+(,[0-9]*)?\}")
_FLAGS = re.compile(r"\(\?[is]+\)")


class _NotRead(Exception):
    """An unsupported part of an expression."""


def compiled(text):
    """Returns an expression whose `search` finds what a peer finds."""
    try:
        return re.compile(_Translation(text).all())
    except (_NotRead, re.error, OverflowError) as error:
        raise Unknown(
            f"the mock ledger cannot read the regular expression {text!r}: {error}: test this "
            "query in the sandbox"
        ) from None


class _Translation:
    """Translates an expression. Only whether it matches is needed, so groups have no numbers."""

    def __init__(self, text):
        self._text = text
        self._at = 0

    def all(self):
        """Returns the expression for Python."""
        flags = _FLAGS.match(self._text)
        out = [flags[0] if flags else ""]
        self._at = len(out[0])
        while self._at < len(self._text):
            out.append(self._part())
        return "".join(out)

    def _next(self):
        letter = self._text[self._at : self._at + 1]
        self._at += 1
        return letter

    def _take(self, text):
        is_next = self._text.startswith(text, self._at)
        self._at += len(text) if is_next else 0
        return is_next

    def _part(self):
        counts = _COUNTS.match(self._text, self._at)
        if counts:
            self._at = counts.end()
            return self._quantifier(counts[0])
        letter = self._next()
        if letter in "*+?":
            return self._quantifier(letter)
        if letter == "\\":
            return self._escape()
        if letter == "[":
            return self._class()
        if letter == "(":
            return self._group()
        return letter if letter in "^$.|)" else re.escape(letter)

    def _quantifier(self, quantifier):
        if self._take("+"):
            raise _NotRead("possessive quantifiers")
        # A lazy quantifier matches the same texts.
        self._take("?")
        return quantifier

    def _group(self):
        if self._text.startswith(("?", "*"), self._at) and not self._take("?:"):
            raise _NotRead(f"({self._text[self._at : self._at + 2]}")
        return "(?:"

    def _escape(self):
        letter = self._next()
        if letter.lower() in _SETS:
            negation = "^" if letter.isupper() else ""
            return f"[{negation}{_SETS[letter.lower()]}]"
        return _ENDS.get(letter) or re.escape(self._character(letter))

    def _character(self, letter):
        """Translates the character after a backslash."""
        digits = self._text[self._at : self._at + 2]
        if letter == "x" and re.fullmatch("[0-9A-Fa-f]{2}", digits):
            self._at += 2
            return chr(int(digits, 16))
        if not letter or letter.isascii() and letter.isalnum() and letter not in _LETTERS:
            raise _NotRead(f"\\{letter}")
        return _LETTERS.get(letter, letter)

    def _class(self):
        out = "[^" if self._take("^") else "["
        # The end of a range, or of a set, cannot begin a range.
        is_first, may_begin = True, False
        while True:
            letter = self._next()
            if not letter:
                raise _NotRead("a class has no end")
            if letter == "]" and not is_first:
                return out + "]"
            is_first = False
            if letter == "[" and self._text.startswith((":", ".", "="), self._at):
                raise _NotRead(f"[{self._text[self._at]} in a class")
            follows = self._text[self._at : self._at + 1]
            if letter == "-" and may_begin and follows not in ("]", ""):
                out += "-" + self._end_of_range()
                may_begin = False
            elif letter == "\\" and follows.lower() in _SETS:
                if self._next().isupper():
                    raise _NotRead(f"\\{follows} in a class")
                out += _SETS[follows]
                may_begin = False
            else:
                out += re.escape(self._member(letter))
                may_begin = True

    def _member(self, letter):
        if letter != "\\":
            return letter
        if self._take("b"):
            return "\b"
        return self._character(self._next())

    def _end_of_range(self):
        letter = self._next()
        if letter == "[" or letter == "\\" and self._text[self._at : self._at + 1].lower() in _SETS:
            raise _NotRead("a range that ends with a set")
        return re.escape(self._member(letter))
