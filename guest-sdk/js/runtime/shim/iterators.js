// Iterators of fabric-shim over the peer's batches.

import { owned } from "../buffer.js";

// Rows per request. The peer ends a batch earlier if one more row would make it read more.
const BATCH = 1000;

// No property is enumerable: the contract API inspects a transaction's result and calls its functions.
class CommonIterator {
  #source;
  #rows;
  #toResult;
  #at = 0;
  // `source` has `nextBatch` and is closed by `Symbol.dispose`. It is null for a page, whose rows are all present.
  constructor(source, rows, toResult) {
    this.#source = source;
    this.#rows = rows;
    this.#toResult = toResult;
  }

  async next() {
    if (this.#at >= this.#rows.length && this.#source) {
      this.#rows = this.#source.nextBatch(BATCH);
      this.#at = 0;
    }
    if (this.#at >= this.#rows.length) return { done: true };
    return { value: this.#toResult(this.#rows[this.#at++]), done: false };
  }

  async close() {
    this.#source?.close();
    this.#source = null;
  }
}

export class StateQueryIterator extends CommonIterator {
  constructor(source, rows = []) {
    super(source, rows, ({ key, value }) => ({ key, value: owned(value) }));
  }
}

export class HistoryQueryIterator extends CommonIterator {
  constructor(source, rows = []) {
    super(source, rows, ({ txId, value, timestamp: { seconds, nanos }, isDelete }) => ({
      txId,
      value: owned(value),
      isDelete,
      timestamp: { seconds: Number(seconds), nanos },
    }));
  }
}
