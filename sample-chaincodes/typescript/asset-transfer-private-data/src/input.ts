// Checks the transient data of clients, which is untrusted JSON.

import { Context } from 'fabric-contract-api';

/** A JSON object with any members. */
export type Input = Record<string, unknown>;

/** Returns an entry of the transient data; `missing` is the error without it. */
export function transient(ctx: Context, name: string, missing: string): Uint8Array {
    const entry = ctx.stub.getTransient().get(name);
    if (!entry) {
        throw new Error(missing);
    }
    return entry;
}

/** Parses JSON of a client or of a collection. */
export function fromBytes(bytes: Uint8Array): unknown {
    try {
        return JSON.parse(Buffer.from(bytes).toString());
    } catch (error) {
        throw new Error(`failed to unmarshal JSON: ${messageOf(error)}`);
    }
}

/** Parses JSON that must be an object. */
export function inputOf(bytes: Uint8Array): Input {
    const input = fromBytes(bytes);
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
        throw new Error('failed to unmarshal JSON: it is no object');
    }
    return input as Input;
}

/** Returns a member that must be a non-empty text. `shown` is its name in errors. */
export function nonEmpty(input: Input, member: string, shown = member): string {
    const text = input[member] ?? '';
    if (typeof text !== 'string') {
        throw new Error(`failed to unmarshal JSON: ${member} is no text`);
    }
    if (text === '') {
        throw new Error(`${shown} field must be a non-empty string`);
    }
    return text;
}

/** Returns a member that must be a positive integer. */
export function positive(input: Input, member: string): number {
    const number = input[member] ?? 0;
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
        throw new Error(`failed to unmarshal JSON: ${member} is no integer`);
    }
    if (number <= 0) {
        throw new Error(`${member} field must be a positive integer`);
    }
    return number;
}

/** Returns the text of a thrown value. */
export function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
