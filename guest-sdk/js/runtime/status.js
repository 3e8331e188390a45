// The status of a response, as the int32 that the peer gets: Fabric's protobuf takes what is one as a text, too.
export function statusOf(status) {
  const number = Math.trunc(Number(status));
  if (number === (number | 0)) return number;
  throw new Error(`the status of the chaincode's response is ${String(status)}, which is no int32`);
}
