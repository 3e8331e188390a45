"""Why a sandbox could not do what it was asked."""


class SandboxError(Exception):
    """`kind` is one of program, setup, deployment, no_user, rejected, refused, assemble, commit,
    invalid, diverged, build; `details` has what else is known, such as the `response` of a refusal."""

    def __init__(self, kind, message, **details):
        super().__init__(message)
        self.kind = kind
        self.details = details

    def __getattr__(self, name):
        if name != "details" and name in self.details:
            return self.details[name]
        raise AttributeError(name)
