"""The part of protobuf's wire format that Fabric's identities and policies use."""


def fields(message):
    """Returns pairs of number and value (an int or bytes) of a message's fields.

    Raises ValueError if it is not a message, or if it has fields of fixed width, which these
    messages do not use.
    """
    found, at = [], 0
    while at < len(message):
        tag, at = _varint(message, at)
        value, at = _varint(message, at)
        if tag & 7 == 2:
            end = at + value
            if end > len(message):
                raise ValueError("a field ends behind its message")
            value, at = bytes(message[at:end]), end
        elif tag & 7 != 0:
            raise ValueError("a field has a width that no field has")
        found.append((tag >> 3, value))
    return found


def _varint(message, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise ValueError("a number has no end")


def of_bytes(field, value):
    """Encodes a field of bytes, a text or an inner message."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def of_number(field, value):
    """Encodes a field of an integer or an enum."""
    return varint(field << 3) + varint(value)


def varint(value):
    """Encodes a number."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
