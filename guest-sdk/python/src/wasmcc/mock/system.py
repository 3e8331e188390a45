"""Answers of system chaincodes to a chaincode that calls them. They are not implemented: calls that
a peer would permit are refused, too."""

# Functions of CSCC without an argument.
_ALONE = ("GetChannels", "JoinBySnapshotStatus")


def refusal(name, args, original):
    """Returns the message of a system chaincode that is called in a transaction of `original`; None
    for all other names."""
    function = args[0].decode("utf-8", "replace") if args else ""
    count = len(args)
    invoked = f"original invocation for '{original}'"
    if name == "cscc":
        if count < (1 if function in _ALONE else 2):
            return f"Incorrect number of arguments, {count}"
        return f"Rejecting invoke of CSCC from another chaincode, {invoked}"
    if name == "qscc":
        if count < 2:
            return f"Incorrect number of arguments, {count}"
        return (
            "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, "
            + invoked
        )
    if name == "lscc":
        return f"a chaincode may not call {function} of {name}"
    if name == "_lifecycle":
        if not args:
            return "lifecycle scc must be invoked with arguments"
        if count != 2:
            return f"lifecycle scc operations require exactly two arguments but received {count}"
        return (
            "Failed to authorize invocation due to failed ACL check: Unmapped policy for "
            f"{name}/{function}"
        )
    return None
