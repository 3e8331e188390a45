// Tests a contract on a complete peer, from deployment to commit. The peer is the program `wasmcc`, found by the
// variable WASMCC or on the PATH. `wasmcc test` sets these variables.
import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

import { SandboxError } from "./error.js";
import * as given from "./given.js";
import { link, program } from "./link.js";

export { SandboxError };

// The channel of every sandbox.
export const CHANNEL = "mychannel";

const OF_SANDBOX = ["orgs", "peers", "timeoutMs", "clients"];
const OF_DEPLOY = ["collections", "indexes", "policy"];
const OF_CALL = ["org", "user", "transient", "timestamp", "nonce"];

const ORDERER = { msp_id: "OrdererMSP", domain: "example.com" };

// Returns Org1MSP to OrgNMSP, with the users User1 and User2 each.
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

  // Creates a sandbox. `orgs` is the number of organizations on the channel (1), `peers` the MSP ids of the
  // organizations that have a peer (the first one), `timeoutMs` the time limit of a transaction. `clients` are further
  // clients with attributes as fabric-ca writes them, as in `[['Org1MSP', 'ann', { role: 'auditor' }]]`.
  static async create(options = {}) {
    given.options("Sandbox.create", options, OF_SANDBOX);
    const { orgs = 1, peers = [], timeoutMs, clients = [] } = options;
    const request = {
      network: network(given.whole("orgs, the number of organizations,", orgs, 1)),
      clients: given.clients(clients),
      orgs: given.texts("peers", peers),
      limits: null,
      execute_timeout_ms: given.whole("timeoutMs", timeoutMs, 0),
    };
    const sandbox = new Sandbox();
    sandbox.#link = await link();
    sandbox.#number = sandbox.#link.number();
    await sandbox.#ask("new", request);
    return sandbox;
  }

  // Deploys a component by LSCC, as the next version if the channel already has the chaincode. Its state remains; so do
  // policy and collections unless they are set again. `collections` are private data collections as in Fabric's
  // collections_config.json, `indexes` the texts of index files, `policy` the endorsement policy.
  deploy(name, component, options = {}) {
    return this.#deploy("deploy", name, component, options);
  }

  // As `deploy`, by `_lifecycle`: the organizations that have a peer install and approve, and the channel commits the
  // definition. Such a chaincode has an implicit collection for each organization. Without a policy, the channel's own
  // applies, which requires a majority of its organizations.
  deployByLifecycle(name, component, options = {}) {
    return this.#deploy("deploy_by_lifecycle", name, component, options);
  }

  // Calls a function and returns its answer; nothing is committed. Fails if the answer is an error.
  evaluate(chaincode, name, args = [], options = {}) {
    return this.#call("evaluate", chaincode, name, args, options);
  }

  // Calls a function, orders the transaction and commits it. Fails if it is refused or not valid.
  submit(chaincode, name, args = [], options = {}) {
    return this.#call("submit", chaincode, name, args, options);
  }

  // The caller's peer endorses a call; an error status is not an error. `commit` accepts the result.
  endorse(chaincode, name, args = [], options = {}) {
    return this.#call("endorse", chaincode, name, args, options);
  }

  // As `endorse`, in several runs with other random numbers, clocks and memory. Fails with the first difference.
  assertDeterministic(chaincode, name, args = [], options = {}) {
    return this.#call("assert_deterministic", chaincode, name, args, options);
  }

  // The peer of another organization endorses the same call or calls, too.
  async endorseAlso(org, endorsed) {
    const request = { org: given.text("the organization", org), endorsed: given.kept(endorsed) };
    await this.#ask("endorse_also", request);
  }

  // Commits endorsements in one block, in this order; returns the outcome of each.
  async commit(endorsed) {
    return this.#ask("commit", { endorsed: given.kept(endorsed) });
  }

  // Returns the number of blocks of the channel.
  height() {
    return this.#ask("height", {});
  }

  // Returns the value of a key in a chaincode's namespace; null if it does not exist.
  getState(name, key) {
    const read = (number, blobs) => (number === null ? null : blobs[number]);
    return this.#link.ask("get_state", this.#number, { name, key }, [], read);
  }

  // Frees the sandbox's resources.
  close() {
    this.#link.tell("end", this.#number);
  }

  async #deploy(verb, name, component, options) {
    given.options(`a deployment of ${name}`, options, OF_DEPLOY);
    const request = {
      name,
      component: 0,
      collections: given.json("collections", options.collections),
      indexes: given.indexes(options.indexes),
      policy: given.text("policy", options.policy),
    };
    return this.#ask(verb, request, [given.component(component)]);
  }

  async #call(verb, chaincode, name, args, options) {
    const blobs = given.call(name, args);
    given.options(`a call of ${name}`, options, OF_CALL);
    const { org, user, transient = {}, timestamp, nonce } = options;
    const add = (what, value) => blobs.push(given.bytes(what, value)) - 1;
    const call = {
      chaincode,
      args: [...blobs.keys()],
      transient: Object.fromEntries(
        given.members("transient", transient).map(([key, value]) => [key, add(`transient ${key}`, value)]),
      ),
      org: given.text("org", org),
      user: given.text("user", user) ?? "User1",
      timestamp: given.timestamp(timestamp),
      nonce: nonce === undefined ? null : add("nonce", nonce),
    };
    // Set by `wasmcc test --twice`.
    if (process.env.WASMCC_TWICE) await this.#ask("assert_deterministic", { call }, blobs);
    return this.#ask(verb, { call }, blobs);
  }

  async #ask(verb, request, blobs) {
    return answered(await this.#link.ask(verb, this.#number, request, blobs));
  }
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

// Builds the contract in `folder` and returns its component. Under `wasmcc test` it is already built.
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
