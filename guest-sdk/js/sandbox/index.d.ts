/// <reference types="node" />

/** The channel of every sandbox. */
export const CHANNEL: "mychannel";

/** Settings of a sandbox. */
export interface SandboxOptions {
  /** The number of organizations on the channel (1): `Org1MSP` and so on, with `User1` and `User2` each. */
  orgs?: number;
  /** The MSP ids of the organizations that have a peer (the first one). */
  peers?: string[];
  /** Further clients: MSP id, name, and attributes as fabric-ca writes them. */
  clients?: [mspId: string, name: string, attributes?: Record<string, string>][];
  /** The time limit of a transaction. */
  timeoutMs?: number | null;
}

/** Options of a deployment. */
export interface DeployOptions {
  /** The private data collections, as in Fabric's collections_config.json. */
  collections?: string | object[] | null;
  /** The definitions of indexes, as in the files of META-INF/statedb/couchdb/indexes. */
  indexes?: (string | object)[] | null;
  /** The endorsement policy, such as `AND('Org1MSP.peer','Org2MSP.peer')`. */
  policy?: string | null;
}

/** Options of a call. */
export interface CallOptions {
  /** The caller's organization, an MSP id (the first one). */
  org?: string | null;
  /** The caller (`User1`). */
  user?: string | null;
  /** Transient data, which only endorsers see. */
  transient?: Record<string, unknown>;
  /** The client's time: a `Date`, or milliseconds since 1970. */
  timestamp?: Date | number | null;
  /** Makes the id of the transaction repeatable. */
  nonce?: string | Uint8Array;
}

export interface Response {
  /** Below 400 is success. */
  status: number;
  message: string;
  payload: Buffer;
}

/** Block and index in it; null if the key did not exist. */
export type Version = [block: number, transaction: number] | null;

/** The reads and writes of a transaction in a collection. */
export interface CollectionRwset {
  reads: { keyHash: Buffer; version: Version }[];
  writes: { keyHash: Buffer; isDelete: boolean; valueHash: Buffer; isPurge: boolean }[];
  metadataWrites: { keyHash: Buffer; entries: [name: string, value: Buffer][] }[];
  pvtRwsetHash: Buffer;
}

/** The reads and writes of a transaction in one chaincode's namespace. */
export interface Rwset {
  reads: { key: string; version: Version }[];
  rangeQueries: { startKey: string; endKey: string; itrExhausted: boolean }[];
  writes: { key: string; isDelete: boolean; value: Buffer }[];
  metadataWrites: { key: string; entries: [name: string, value: Buffer][] }[];
  collections: Record<string, CollectionRwset>;
}

interface Payload {
  /** The payload of the response as text. */
  text(): string;
  /** The payload of the response, read as JSON. */
  json<T = any>(): T;
}

/** The contents of an endorsement. */
export interface Answer {
  txId: string;
  response: Response;
  /** By chaincode; null if the call was refused. */
  rwset: Record<string, Rwset> | null;
  event: { name: string; payload: Buffer } | null;
  /** Units of work that the call used. */
  fuel: number;
  /** Chaincodes and keys that were read after they were written; the reads returned the old values. */
  ownReads: [chaincode: string, key: string][];
}

/** The answer to `evaluate`. */
export interface Evaluated extends Answer, Payload {}

/** An endorsement that `commit` takes. */
export interface Endorsed extends Evaluated {
  readonly kept: number;
}

/** A transaction in a block. */
export interface Submitted extends Payload {
  endorsed: Answer;
  /** The number of the block. */
  block: number;
  /** Such as `VALID` or `MVCC_READ_CONFLICT`. */
  code: string;
  /** The reason why it is not valid. */
  reason: string | null;
}

/** In-memory peers of one or more organizations, with one channel. */
export class Sandbox {
  private constructor();
  /** Creates a sandbox. */
  static create(options?: SandboxOptions): Promise<Sandbox>;
  /** Deploys a component by LSCC, or upgrades the chaincode of this name; its state remains. */
  deploy(name: string, component: Uint8Array, options?: DeployOptions): Promise<Submitted>;
  /** As `deploy`, by `_lifecycle`, with an implicit collection for each organization. */
  deployByLifecycle(name: string, component: Uint8Array, options?: DeployOptions): Promise<Submitted>;
  /** Calls a function without a commit. Fails if the answer is an error. */
  evaluate(chaincode: string, name: string, args?: unknown[], options?: CallOptions): Promise<Evaluated>;
  /** Calls a function and commits the transaction. Fails if it is refused or not valid. */
  submit(chaincode: string, name: string, args?: unknown[], options?: CallOptions): Promise<Submitted>;
  /** The caller's peer endorses a call. An error status is not an error. */
  endorse(chaincode: string, name: string, args?: unknown[], options?: CallOptions): Promise<Endorsed>;
  /** As `endorse`, in several runs. Fails with the first difference. */
  assertDeterministic(
    chaincode: string,
    name: string,
    args?: unknown[],
    options?: CallOptions,
  ): Promise<Endorsed>;
  /** The peer of another organization endorses, too. */
  endorseAlso(org: string, endorsed: Endorsed | Endorsed[]): Promise<void>;
  /** Commits endorsements in one block, in this order; returns the outcome of each. */
  commit(endorsed: Endorsed | Endorsed[]): Promise<Submitted[]>;
  /** The number of blocks of the channel. */
  height(): Promise<number>;
  /** The value of a key in a chaincode's namespace; null if it does not exist. */
  getState(name: string, key: string): Promise<Buffer | null>;
  /** Frees the sandbox's resources. */
  close(): void;
}

/** An error of a sandbox. */
export class SandboxError extends Error {
  readonly kind:
    | "program"
    | "setup"
    | "deployment"
    | "no_user"
    | "rejected"
    | "refused"
    | "assemble"
    | "commit"
    | "invalid"
    | "diverged"
    | "build";
  /** Only for a deployment that cannot be made. */
  readonly chaincode?: string;
  /** Only for a refusal. */
  readonly response?: Response;
  /** Only for a transaction that is not valid. */
  readonly txId?: string;
  /** Only for a transaction that is not valid, such as `MVCC_READ_CONFLICT`. */
  readonly code?: string;
  /** Only for a transaction that is not valid. */
  readonly reason?: string | null;
}

/** Builds the contract in `folder` (".") and returns its component. Under `wasmcc test` it is already built. */
export function build(folder?: string): Promise<Buffer>;
