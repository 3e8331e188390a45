//go:build wasip1

package shim

import (
	"unsafe"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// The program's own main, which starts the chaincode as under Fabric.
//
//go:linkname programMain main.main
func programMain()

//go:wasmexport fabric:chaincode/contract@0.2.0#init
func exportInit() *response { return answer(Chaincode.Init) }

//go:wasmexport fabric:chaincode/contract@0.2.0#invoke
func exportInvoke() *response { return answer(Chaincode.Invoke) }

// The host reads the answer at this address; the values that it refers to must stay reachable.
var (
	lowered  response
	answered *peer.Response
)

func answer(call func(Chaincode, ChaincodeStubInterface) *peer.Response) *response {
	prepare()
	stub := newStub()
	answered = call(started, stub)
	if answered == nil {
		panic("the chaincode returned no response: nil")
	}
	lowered.status = answered.Status
	lowered.message = placeOf(answered.Message)
	lowered.payload = place(answered.Payload)
	if err := stub.end(); err != nil {
		answered = Error("failed send batch: " + err.Error())
		lowered.status, lowered.message, lowered.payload = ERROR, placeOf(answered.Message), list{}
	}
	return &lowered
}

var running = make(chan struct{})

func init() {
	serve = func() {
		close(running)
		select {}
	}
}

// Runs main until it has started the chaincode, unless this was done when the component was built. Main may start it in
// a goroutine and wait for something else.
func prepare() {
	if started != nil {
		return
	}
	ended := make(chan struct{})
	go func() {
		programMain()
		close(ended)
	}()
	select {
	case <-running:
	case <-ended:
	}
	switch {
	case started != nil:
	case refused != nil:
		panic("shim.Start: " + refused.Error())
	default:
		panic("main returned without shim.Start: a component needs a chaincode")
	}
}

// The host calls this while it passes a result. A component must not call imports then, and no other goroutine may run,
// since it could call one. A pinned goroutine is not replaced, and does not start, assist or wait for the collector;
// this function does not grow the stack. Only running out of memory remains, and the adapter of the build handles it.
//
//go:wasmexport cabi_realloc
//go:nosplit
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	procPin()
	importAllocating(1)
	to := allocate(old, oldSize, align, size)
	importAllocating(0)
	procUnpin()
	return to
}

//go:linkname procPin runtime.procPin
//go:nosplit
func procPin() int

//go:linkname procUnpin runtime.procUnpin
//go:nosplit
func procUnpin()

//go:wasmimport wasi_snapshot_preview1 wasmcc_allocating
func importAllocating(begins uint32)
