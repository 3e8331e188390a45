// A build that failed for a reason that its author can mend; the message is for a person.
export class BuildError extends Error {}
