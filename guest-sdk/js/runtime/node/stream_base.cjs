// The class that the streams of the package readable-stream extend: node:stream's own, without its `pipe`.
const { EventEmitter } = require("events");

// A function, since packages call it without `new`.
function Stream(options) {
  EventEmitter.call(this, options);
}
Object.setPrototypeOf(Stream.prototype, EventEmitter.prototype);
module.exports = Object.assign(Stream, { Stream });
