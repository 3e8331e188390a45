"""Codecs, which convert values of one type."""

from .. import canonical


class Mismatch(Exception):
    """A difference between a value and its type."""

    def __init__(self, reason, path=()):
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def inside(self, part):
        """Returns the same difference for the enclosing value, which has this value under `part`.
        """
        return Mismatch(self.reason, (begin_of(str(part), 32), *self.path))

    def __str__(self):
        return self.reason if not self.path else f"{self.reason} as {'.'.join(self.path)}"


class Codec:
    """A codec of a type. Arguments and results are bytes: text unchanged, the rest as JSON.

    `read` and `write` convert a part of a JSON value; `decode` and `encode` convert a whole
    argument or result.
    """

    # True if a member of this type may be missing in its object, and a last argument in its call.
    optional = False

    def schema(self, schemas):
        """Returns the JSON schema; `schemas` collects named types."""
        raise NotImplementedError

    def read(self, json):
        """Returns the value of parsed JSON; raises `Mismatch`."""
        raise NotImplementedError

    def write(self, value):
        """Returns a value as `json.dumps` accepts it; raises `Mismatch`."""
        raise NotImplementedError

    def decode(self, argument):
        """Returns the value of an argument; raises `Mismatch`."""
        try:
            json = canonical.loads(argument)
        except ValueError as error:
            raise Mismatch(str(error)) from None
        return self.read(json)

    def encode(self, value):
        """Returns the bytes of a result; raises `Mismatch`."""
        try:
            return canonical.dumps(self.write(value))
        except RecursionError:
            raise canonical.refusal(canonical.TOO_DEEP) from None


def begin_of(text, count):
    """Returns the first characters of an external text, which may be megabytes long."""
    return text if len(text) <= count else text[:count] + "..."


def shown(argument):
    """Returns an argument's text for an error."""
    return '"' + begin_of(argument.decode("utf-8", "replace"), 32) + '"'


def utf8(argument):
    """Returns the text of an argument."""
    try:
        return argument.decode()
    except UnicodeDecodeError:
        raise Mismatch("not UTF-8") from None
