// Decodes bytes that are not UTF-8, with U+FFFD where the Encoding Standard and Node.js write it.

// The number of code units that become a text at once.
const PIECE = 4096;
const INVALID = 0xfffd;

// Avoids small arrays and iterators, which cost ten times as much: an argument may be a megabyte that is not text.
export function decodeLossy(bytes) {
  const { length } = bytes;
  let text = "";
  let units = [];
  for (let at = 0; at < length; ) {
    const first = bytes[at++];
    if (first < 0x80) {
      units.push(first);
    } else {
      // The number of bytes that follow the first one, and the bounds of the next one.
      const needed = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      let lower = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
      let upper = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
      let point = first & (0x3f >> needed);
      let left = needed;
      while (left > 0 && bytes[at] >= lower && bytes[at] <= upper) {
        point = (point << 6) | (bytes[at++] & 0x3f);
        lower = 0x80;
        upper = 0xbf;
        left--;
      }
      if (needed === 0 || left > 0) point = INVALID;
      if (point > 0xffff) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff));
      else units.push(point);
    }
    if (units.length >= PIECE) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  }
  return text + String.fromCharCode.apply(null, units);
}
