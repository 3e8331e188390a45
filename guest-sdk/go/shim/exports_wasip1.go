//go:build wasip1

package shim

import (
	"os"
	"runtime"
	"unsafe"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// The program's own main: it starts the chaincode, as it does where Fabric runs it.
//
//go:linkname programMain main.main
func programMain()

//go:wasmexport fabric:chaincode/contract@0.2.0#init
func exportInit() *response { return answer(Chaincode.Init) }

//go:wasmexport fabric:chaincode/contract@0.2.0#invoke
func exportInvoke() *response { return answer(Chaincode.Invoke) }

// The answer lies where the host looks for it, and what it refers to stays reachable.
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

// Runs main until it has started the chaincode, unless that was done when the component was built.
// Main may start it in a goroutine and wait for something else.
func prepare() {
	if started != nil {
		return
	}
	if len(os.Args) == 0 {
		// Programs read arguments from the second on.
		os.Args = []string{"chaincode"}
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

// Memory that the host has been given: a chunk, and chunks that are full. A transaction is short,
// so nothing is returned.
var (
	chunk []uint64
	full  [][]uint64
)

const chunkWords = 4096

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Add(unsafe.Pointer(nil), align)
	}
	// No larger alignment than that of a word is ever asked for.
	words := int(size+7) / 8
	if words > len(chunk) {
		full = append(full, chunk)
		chunk = make([]uint64, max(words, chunkWords))
	}
	given := chunk[:words:words]
	chunk = chunk[words:]
	to := unsafe.Pointer(unsafe.SliceData(given))
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(to), size), unsafe.Slice((*byte)(old), min(oldSize, size)))
	}
	runtime.KeepAlive(given)
	return to
}
