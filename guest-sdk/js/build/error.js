// A build error that the contract's author can fix; the message is human-readable.
export class BuildError extends Error {}
