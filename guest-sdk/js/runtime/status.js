// Returns the status of a response as the int32 for the peer. Like Fabric's protobuf, accepts a text with a number.
export function statusOf(status) {
  const number = Math.trunc(Number(status));
  if (number === (number | 0)) return number;
  throw new Error(`the status of the chaincode's response is ${String(status)}, which is not an int32`);
}
