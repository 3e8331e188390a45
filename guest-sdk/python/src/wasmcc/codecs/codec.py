"""What a type of a parameter or a result can do."""

from .. import canonical


class Mismatch(Exception):
    """Where a value is not what its type says."""

    def __init__(self, reason, path=()):
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def inside(self, part):
        """The same, seen from the value that has this one under `part`."""
        return Mismatch(self.reason, (begin_of(str(part), 32), *self.path))

    def __str__(self):
        return self.reason if not self.path else f"{self.reason} as {'.'.join(self.path)}"


class Codec:
    """A type. Arguments and results are bytes: text as it is, the rest as JSON.

    `read` and `write` speak of JSON, of which a value is a part; `decode` and `encode` of a whole
    argument or result.
    """

    # Whether a member of this type may be missing in its object, and a last argument in its call.
    optional = False

    def schema(self, schemas):
        """The JSON schema; `schemas` keeps what has a name."""
        raise NotImplementedError

    def read(self, json):
        """The value of parsed JSON; raises `Mismatch`."""
        raise NotImplementedError

    def write(self, value):
        """What `json.dumps` takes, of a value; raises `Mismatch`."""
        raise NotImplementedError

    def decode(self, argument):
        """The value of an argument; raises `Mismatch`."""
        try:
            json = canonical.loads(argument)
        except ValueError as error:
            raise Mismatch(str(error)) from None
        return self.read(json)

    def encode(self, value):
        """The bytes of a result; raises `Mismatch`."""
        try:
            return canonical.dumps(self.write(value))
        except RecursionError:
            raise canonical.refusal(canonical.TOO_DEEP) from None


def begin_of(text, count):
    """The first characters of a text from outside, which may be megabytes long."""
    return text if len(text) <= count else text[:count] + "..."


def shown(argument):
    """An argument in an error."""
    return '"' + begin_of(argument.decode("utf-8", "replace"), 32) + '"'


def utf8(argument):
    """The text of an argument."""
    try:
        return argument.decode()
    except UnicodeDecodeError:
        raise Mismatch("not UTF-8") from None
