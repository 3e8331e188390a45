// node:stream, implemented by the package readable-stream. Nothing waits in such a stream: deferred work is a job, and
// all jobs run before a transaction's answer.
const streams = require("readable-stream");
const Stream = require("./stream_base.cjs");

const { Readable, Writable, Duplex, Transform, PassThrough, finished, pipeline } = streams;
module.exports = Object.assign(Stream, { Readable, Writable, Duplex, Transform, PassThrough, finished, pipeline });
