"""Errors of a sandbox."""


class SandboxError(Exception):
    """`kind` is one of program, setup, deployment, no_user, rejected, refused, assemble, commit,
    invalid, diverged, build; `details` has further data, such as the `response` of a refusal."""

    def __init__(self, kind, message, **details):
        super().__init__(message)
        self.kind = kind
        self.details = details

    def __getattr__(self, name):
        if name != "details" and name in self.details:
            return self.details[name]
        raise AttributeError(name)
