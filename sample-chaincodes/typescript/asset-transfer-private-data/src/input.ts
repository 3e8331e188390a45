// What clients send as transient data: JSON, of which nothing is believed before it is checked.

import { Context } from 'fabric-contract-api';

/** An object of JSON whose members may be anything. */
export type Input = Record<string, unknown>;

/** The bytes of an entry of the transient data; `missing` is the refusal if it is not there. */
export function transient(ctx: Context, name: string, missing: string): Uint8Array {
    const entry = ctx.stub.getTransient().get(name);
    if (!entry) {
        throw new Error(missing);
    }
    return entry;
}

/** Reads JSON of a client or of a collection. */
export function fromBytes(bytes: Uint8Array): unknown {
    try {
        return JSON.parse(Buffer.from(bytes).toString());
    } catch (error) {
        throw new Error(`failed to unmarshal JSON: ${messageOf(error)}`);
    }
}

/** The same, for what has to be an object. */
export function inputOf(bytes: Uint8Array): Input {
    const input = fromBytes(bytes);
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
        throw new Error('failed to unmarshal JSON: it is no object');
    }
    return input as Input;
}

/** A member that has to be a text of at least one character. `shown` stands for its name in the refusal. */
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

/** A member that has to be an integer from 1 on. */
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

/** The text of what was thrown. */
export function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
