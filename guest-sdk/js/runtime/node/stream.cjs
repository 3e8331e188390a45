// node:stream as the package readable-stream has it. Nothing waits in such a stream: what it puts off is a job, and
// all jobs have run before a transaction's answer.
const streams = require("readable-stream");
const Stream = require("./stream_base.cjs");

const { Readable, Writable, Duplex, Transform, PassThrough, finished, pipeline } = streams;
module.exports = Object.assign(Stream, { Readable, Writable, Duplex, Transform, PassThrough, finished, pipeline });
