// The tests' contract in JavaScript, for QuickJS and for StarlingMonkey; ../README.md lists its functions.

import { setEvent } from "fabric:chaincode/event@0.2.0";
import { getPrivateData, putPrivateData } from "fabric:chaincode/private-data@0.2.0";
import { getStateByRange } from "fabric:chaincode/query@0.2.0";
import { getState, putState } from "fabric:chaincode/state@0.2.0";
import { getArgs } from "fabric:chaincode/transaction@0.2.0";

// QuickJS has no TextEncoder.
const encode = (text) =>
  Uint8Array.from(unescape(encodeURIComponent(text)), (char) => char.charCodeAt(0));
const decode = (bytes) =>
  decodeURIComponent(escape(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));

// A refusal by the contract itself.
class Refused extends Error {}

function get(key) {
  const value = getState(key);
  // A missing value is null in QuickJS and undefined in StarlingMonkey.
  if (value == null) throw new Refused(`${key} does not exist`);
  return decode(value);
}

function put(key, value) {
  putState(key, encode(value));
}

function range(start, end) {
  const rows = getStateByRange(start, end);
  let text = "";
  for (let batch; (batch = rows.nextBatch(100)).length > 0; ) {
    for (const { key, value } of batch) text += `${key}=${decode(value)}\n`;
  }
  return text;
}

function transfer(from, to, amount) {
  const [have, other] = [Number(get(from)), Number(get(to))];
  if (have < Number(amount)) throw new Refused(`${from} has only ${have}`);
  put(from, String(have - Number(amount)));
  put(to, String(other + Number(amount)));
  return `${have - Number(amount)} ${other + Number(amount)}`;
}

function hog() {
  for (const hoard = []; ; ) hoard.push(new Uint8Array(1 << 20).fill(1));
}

function deep(levels) {
  return levels === 0 ? 0 : deep(levels - 1) + 1;
}

const functions = {
  noop() {},
  put,
  get,
  range,
  event: (name, payload) => setEvent(name, encode(payload)),
  transfer,
  fail(text) {
    throw new Refused(text);
  },
  throw(text) {
    throw new RangeError(text);
  },
  spin() {
    for (;;);
  },
  hog,
  deep: (levels) => String(deep(Number(levels))),
  clock: () => `${Date.now()} ${new Date(0).getTimezoneOffset()}`,
  random: () => `${Math.random()} ${Math.random()}`,
  secret: (collection, key, value) => putPrivateData(collection, key, encode(value)),
  reveal(collection, key) {
    const value = getPrivateData(collection, key);
    return value == null ? undefined : decode(value);
  },
};

const answer = (status, message, payload) => ({ status, message, payload: encode(payload) });

export const contract = {
  init: () => answer(200, "", ""),
  invoke() {
    const [name, ...args] = getArgs().map(decode);
    try {
      return answer(200, "", functions[name](...args) ?? "");
    } catch (error) {
      if (error instanceof Refused) return answer(500, error.message, "");
      // The peer's refusal: a variant with a text, which is not in the message.
      if (error.payload?.val) return answer(500, error.payload.val, "");
      throw error;
    }
  },
};
