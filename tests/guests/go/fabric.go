package main

import (
	"errors"
	"structs"
	"unsafe"
)

// The layout of wit/ in Go, written by hand. A string or a list is a pointer and a length of 32 bits. A result that is
// not a number is written to the last parameter. The host writes its values into memory from cabi_realloc. The names
// are those of wit/.

type raw struct {
	_          structs.HostLayout
	at, length uint32
}

// Any result<..., error>. For an error, value is its text. For an option, second is true if there is a value. For a
// list, second is its begin and value.at its length.
type result struct {
	_      structs.HostLayout
	failed uint8
	second uint32
	value  raw
}

type keyValue struct {
	_          structs.HostLayout
	key, value raw
}

type response struct {
	_                structs.HostLayout
	status           int32
	message, payload raw
}

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-args
func importGetArgs(args *raw)

//go:wasmimport fabric:chaincode/state@0.2.0 get-state
func importGetState(key string, result *result)

//go:wasmimport fabric:chaincode/state@0.2.0 put-state
func importPutState(key string, value string, result *result)

//go:wasmimport fabric:chaincode/query@0.2.0 get-state-by-range
func importGetStateByRange(start string, end string, result *result)

//go:wasmimport fabric:chaincode/rows@0.2.0 [method]state-iterator.next-batch
func importNextBatch(iterator uint32, max uint32, result *result)

//go:wasmimport fabric:chaincode/rows@0.2.0 [resource-drop]state-iterator
func importCloseIterator(iterator uint32)

//go:wasmimport fabric:chaincode/event@0.2.0 set-event
func importSetEvent(name string, payload string, result *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 get-private-data
func importGetPrivateData(collection string, key string, result *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 put-private-data
func importPutPrivateData(collection string, key string, value string, result *result)

// Memory that the host has received. The instance ends after the call.
var given [][]byte

// The host waits for a result: no import may be called and no other goroutine may run. A pinned goroutine is not
// replaced and does not start the collector. The adapter ends a runtime without memory.
//
//go:wasmexport cabi_realloc
//go:nosplit
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	procPin()
	importAllocating(1)
	memory := allocate(old, oldSize, align, size)
	importAllocating(0)
	procUnpin()
	return memory
}

//go:linkname procPin runtime.procPin
//go:nosplit
func procPin() int

//go:linkname procUnpin runtime.procUnpin
//go:nosplit
func procUnpin()

//go:wasmimport wasi_snapshot_preview1 wasmcc_allocating
func importAllocating(begins uint32)

//go:noinline
func allocate(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Pointer(uintptr(align))
	}
	// Words suffice: no larger alignment than a pointer's is requested.
	words := make([]uint64, (size+7)/8)
	memory := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
	copy(memory, unsafe.Slice((*byte)(old), oldSize))
	given = append(given, memory)
	return unsafe.Pointer(unsafe.SliceData(memory))
}

func at[T any](list raw) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(uintptr(list.at))), list.length)
}

func (text raw) String() string {
	return string(at[byte](text))
}

func lower(text string) raw {
	given = append(given, []byte(text))
	last := given[len(given)-1]
	return raw{at: uint32(uintptr(unsafe.Pointer(unsafe.SliceData(last)))), length: uint32(len(last))}
}

func (result *result) err() error {
	if result.failed != 0 {
		return errors.New(result.value.String())
	}
	return nil
}

func args() []string {
	var list raw
	importGetArgs(&list)
	var texts []string
	for _, arg := range at[raw](list) {
		texts = append(texts, arg.String())
	}
	return texts
}
