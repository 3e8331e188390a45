package shim

// addedIn21 has the methods that Fabric's shim has since version 2.1. If a type of a contract for an earlier version
// lacks them, `wasmcc build` leaves them out of ChaincodeStubInterface.
type addedIn21 interface {
	// StartWriteBatch lets the peer hold back the writes that follow and send them together. A refused write is then an
	// error of FinishWriteBatch, or ends the transaction. On other peers the write itself fails. Return either error.
	StartWriteBatch()
	// FinishWriteBatch sends the writes that were held back.
	FinishWriteBatch() error
}
