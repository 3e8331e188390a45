// Bytes that are no UTF-8, as text: what the Encoding Standard puts U+FFFD for, and Node.js does.

// How a sequence continues after its first byte: how many bytes follow, and the bounds of the next one.
function follows(first) {
  if (first >= 0xc2 && first <= 0xdf) return [1, 0x80, 0xbf];
  if (first >= 0xe0 && first <= 0xef) {
    return [2, first === 0xe0 ? 0xa0 : 0x80, first === 0xed ? 0x9f : 0xbf];
  }
  if (first >= 0xf0 && first <= 0xf4) {
    return [3, first === 0xf0 ? 0x90 : 0x80, first === 0xf4 ? 0x8f : 0xbf];
  }
  return undefined;
}

export function decodeLossy(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++];
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    let [needed, lower, upper] = follows(first) ?? [0, 0, 0];
    let point = first & (0x3f >> needed);
    let left = needed;
    while (left > 0 && bytes[at] >= lower && bytes[at] <= upper) {
      point = (point << 6) | (bytes[at++] & 0x3f);
      [lower, upper] = [0x80, 0xbf];
      left--;
    }
    text += needed > 0 && left === 0 ? String.fromCodePoint(point) : "\ufffd";
  }
  return text;
}
