// An error of a sandbox. `kind` is one of program, setup, deployment, no_user, rejected, refused, assemble, commit,
// invalid, diverged, build.
export class SandboxError extends Error {
  constructor(kind, message, details = {}) {
    super(message);
    this.name = "SandboxError";
    this.kind = kind;
    Object.assign(this, details);
  }
}
