// Tests of a contract on a whole peer: built, deployed, endorsed, ordered, committed. The program `wasmcc`
// is the peer; it is found by the variable WASMCC or on the PATH, and `wasmcc test` sets all that.
import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

import { SandboxError } from "./error.js";
import { link, program } from "./link.js";

export { SandboxError };

// The channel of every sandbox.
export const CHANNEL = "mychannel";

const ORDERER = { msp_id: "OrdererMSP", domain: "example.com" };

// Org1MSP to OrgNMSP, with the users User1 and User2 each.
function network(count) {
  const org = (number) => ({
    msp_id: `Org${number}MSP`,
    domain: `org${number}.example.com`,
    users: ["User1", "User2"],
  });
  return { orgs: Array.from({ length: count }, (_, index) => org(index + 1)), orderer: ORDERER };
}

// In-memory peers of one or more organizations, with one channel.
export class Sandbox {
  #link;
  #number;

  // Sets a sandbox up. `orgs` is how many organizations are on the channel (1), `peers` the MSP ids of those
  // that have a peer (the first one), `timeoutMs` how long one transaction may take.
  static async create({ orgs = 1, peers = [], timeoutMs = null } = {}) {
    const sandbox = new Sandbox();
    sandbox.#link = await link();
    sandbox.#number = sandbox.#link.number();
    await sandbox.#ask("new", {
      network: network(orgs),
      orgs: peers,
      limits: null,
      execute_timeout_ms: timeoutMs,
    });
    return sandbox;
  }

  // Deploys a component on the channel. `collections` are those of private data, as in Fabric's
  // collections_config.json; `indexes` the texts of index files; `policy` the endorsement policy.
  deploy(name, component, { collections, indexes, policy } = {}) {
    const json = typeof collections === "object" ? JSON.stringify(collections) : collections;
    const request = { name, component: 0, collections: json, indexes, policy };
    return this.#ask("deploy", request, [Buffer.from(component)]);
  }

  // As `deploy`, by `_lifecycle`: the organizations that have a peer install and approve, and the channel commits the
  // definition. Such a chaincode has an implicit collection for each organization. Without a policy, the channel's own
  // applies, which asks most of its organizations.
  deployByLifecycle(name, component, { policy } = {}) {
    return this.#ask("deploy_by_lifecycle", { name, component: 0, policy }, [Buffer.from(component)]);
  }

  // Calls a function and returns its answer; nothing is committed. Fails if the answer is an error.
  evaluate(chaincode, name, args = [], options = {}) {
    return this.#call("evaluate", chaincode, name, args, options);
  }

  // Calls a function, orders the transaction and commits it. Fails if it is refused or not valid.
  submit(chaincode, name, args = [], options = {}) {
    return this.#call("submit", chaincode, name, args, options);
  }

  // Has a call endorsed; an error is an answer. `commit` takes what it returns.
  endorse(chaincode, name, args = [], options = {}) {
    return this.#call("endorse", chaincode, name, args, options);
  }

  // As `endorse`, in several runs: with other random numbers, clocks and memory. Fails with the first
  // difference.
  assertDeterministic(chaincode, name, args = [], options = {}) {
    return this.#call("assert_deterministic", chaincode, name, args, options);
  }

  // Commits endorsements in one block, in this order; returns what became of each.
  commit(endorsed) {
    return this.#ask("commit", { endorsed: endorsed.map(({ kept }) => kept) });
  }

  // How many blocks the channel has.
  height() {
    return this.#ask("height", {});
  }

  // The value of a key in a chaincode's namespace; null if there is none.
  getState(name, key) {
    const read = (number, blobs) => (number === null ? null : blobs[number]);
    return this.#link.ask("get_state", this.#number, { name, key }, [], read);
  }

  // Gives back what the sandbox takes.
  close() {
    this.#link.tell("end", this.#number);
  }

  async #call(verb, chaincode, name, args, { org = null, user = "User1", transient = {}, timestamp, nonce }) {
    const blobs = [];
    const add = (value) => blobs.push(bytes(value)) - 1;
    const call = {
      chaincode,
      args: [name, ...args].map(add),
      transient: Object.fromEntries(Object.entries(transient).map(([key, value]) => [key, add(value)])),
      org,
      user,
      timestamp: timestamp === undefined ? null : [Math.floor(timestamp / 1000), (timestamp % 1000) * 1e6],
      nonce: nonce === undefined ? null : add(nonce),
    };
    // Set by `wasmcc test --twice`.
    if (process.env.WASMCC_TWICE) await this.#ask("assert_deterministic", { call }, blobs);
    return this.#ask(verb, { call }, blobs);
  }

  async #ask(verb, request, blobs) {
    return answered(await this.#link.ask(verb, this.#number, request, blobs));
  }
}

// Arguments as clients of Fabric send them: text as it is, all else as JSON.
function bytes(value) {
  if (value instanceof Uint8Array) return Buffer.from(value);
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

// Adds `text()` and `json()` to answers.
function answered(answer) {
  if (Array.isArray(answer)) return answer.map(answered);
  const { response } = answer?.endorsed ?? answer ?? {};
  if (!response) return answer;
  return {
    ...answer,
    text: () => response.payload.toString(),
    json: () => JSON.parse(response.payload.toString()),
  };
}

// Builds the contract in `folder` and returns its component. Under `wasmcc test` it is built already.
export async function build(folder = ".") {
  const { WASMCC_COMPONENT: built, WASMCC_CONTRACT: of } = process.env;
  if (built && of && fs.realpathSync(folder) === fs.realpathSync(of)) return fs.readFileSync(built);
  try {
    const { stdout } = await promisify(execFile)(program(), ["build", "--json", path.resolve(folder)]);
    return fs.readFileSync(JSON.parse(stdout).path);
  } catch (error) {
    throw new SandboxError("build", `cannot build the component: ${error.stderr || error.message}`);
  }
}
