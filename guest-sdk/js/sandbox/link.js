// The process of `wasmcc sandbox` that all sandboxes of a test program share. It ends with the program, which closes
// its standard input.
import { spawn } from "node:child_process";

import { SandboxError } from "./error.js";
import { decoder, encode } from "./frame.js";
import { lift } from "./lift.js";

// The version of the pipe's protocol.
const PROTOCOL = 1;
const INSTALL =
  "install it: `cargo install wasmcc-cli`, or `cargo install --path host/cli` in a checkout of wasmcc";
const ENDED = "the program wasmcc has ended, and all its sandboxes with it; see its output above";

// Returns the program: `WASMCC`, or `wasmcc` on the path.
export const program = () => process.env.WASMCC || "wasmcc";

let started;
// Starts the process at the first use, and again after it has ended.
export const link = () => (started ??= Link.start());

class Link {
  #child;
  #next = 0;
  #waiting = new Map();
  // The reason why the process has ended.
  #ended;
  #promise;

  static start() {
    const link = new Link();
    link.#promise = link.#start().then(() => link);
    return link.#promise;
  }

  #start() {
    const name = program();
    const child = spawn(name, ["sandbox"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    return new Promise((resolve, reject) => {
      let greeted = false;
      const fail = (text) => {
        reject(new SandboxError("program", text));
        this.#end(text);
      };
      const unfit = (greeting) => {
        fail(doesNotFit(name, greeting));
        // Another program might wait for further input.
        child.kill();
      };
      const receive = decoder(({ json, blobs }) => {
        if (greeted) return this.#answer(json, blobs);
        greeted = true;
        if (json.sandbox !== PROTOCOL) return unfit(json);
        this.#rest();
        resolve();
      });
      child.on("error", (error) => fail(doesNotStart(name, error)));
      child.stdin.on("error", () => this.#end(ENDED));
      child.stdout.on("data", (chunk) => {
        try {
          receive(chunk);
        } catch {
          unfit();
        }
      });
      child.stdout.on("end", () => {
        if (!greeted) unfit();
        this.#end(ENDED);
      });
    });
  }

  // Lets the test program end while no request waits for the process.
  #rest() {
    const busy = this.#waiting.size > 0;
    for (const handle of [this.#child, this.#child.stdin, this.#child.stdout]) {
      if (busy) handle.ref?.();
      else handle.unref?.();
    }
  }

  #answer(json, blobs) {
    const waits = this.#waiting.get(json.id);
    if (!waits) return;
    if (json.error === undefined) waits.resolve(waits.read(json.ok, blobs));
    else {
      const { kind, text, ...details } = lift(json.error, blobs);
      waits.reject(new SandboxError(kind, text, details));
    }
    this.#waiting.delete(json.id);
    this.#rest();
  }

  // Fails all requests, also later ones. The next sandbox starts another process.
  #end(text) {
    this.#ended ??= text;
    if (started === this.#promise) started = undefined;
    for (const waits of this.#waiting.values()) waits.reject(this.#failure());
    this.#waiting.clear();
    this.#rest();
  }

  #failure() {
    return new SandboxError("program", this.#ended);
  }

  number() {
    return ++this.#next;
  }

  // Sends a request and waits for its answer, which `read` reads.
  ask(verb, sandbox, members, blobs = [], read = lift) {
    if (this.#ended) return Promise.reject(this.#failure());
    const id = this.number();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, read });
      this.#rest();
      this.#child.stdin.write(encode({ ...members, id, do: verb, sandbox }, blobs));
    });
  }

  // Sends a request that has no answer.
  tell(verb, sandbox, members = {}) {
    if (this.#ended) return;
    this.#child.stdin.write(encode({ ...members, id: this.number(), do: verb, sandbox }, []));
  }
}

function doesNotStart(name, { code, message }) {
  if (code === "ENOENT" && name === "wasmcc") {
    return `the program wasmcc is not on the PATH; ${INSTALL}, or set WASMCC to its path`;
  }
  return `${name}, which is to be the program wasmcc, cannot be run: ${message}; ${INSTALL}`;
}

function doesNotFit(name, { wasmcc, sandbox } = {}) {
  if (wasmcc === undefined || sandbox === undefined) {
    return `${name} does not answer \`wasmcc sandbox\`; see its output above, if any; ${INSTALL}`;
  }
  const older =
    sandbox < PROTOCOL
      ? "the program is older; install a newer one"
      : "the package wasmcc-js is older; use a newer one in package.json";
  return `${name} ${wasmcc} does not fit: the sandbox protocols are ${sandbox} and ${PROTOCOL}: ${older}`;
}
