// The base class of the streams in the package readable-stream: the class of node:stream without its `pipe`.
const { EventEmitter } = require("events");

// A function, since packages call it without `new`.
function Stream(options) {
  EventEmitter.call(this, options);
}
Object.setPrototypeOf(Stream.prototype, EventEmitter.prototype);
module.exports = Object.assign(Stream, { Stream });
