// Required for structs.HostLayout. go.mod has an older version, so that it does not raise the version of contracts.

//go:build go1.23

package shim

import (
	"errors"
	"structs"
	"unsafe"
)

// The memory layout of the types in wit/. A string or a list is a pointer and a length of 32 bits each. The host writes
// its values into memory from cabi_realloc.

type list struct {
	_          structs.HostLayout
	at, length uint32
}

// An optional list of bytes.
type option struct {
	_      structs.HostLayout
	isSome uint8
	value  list
}

// Any result<..., error> whose value has four bytes. For an error, second is its kind and third its text. For an
// option, second is true if there is a value. For a list or a handle, second is its begin.
type result struct {
	_      structs.HostLayout
	failed uint8
	second uint32
	third  list
}

// option<timestamp>.
type timeOption struct {
	_       structs.HostLayout
	isSome  uint8
	seconds int64
	nanos   uint32
}

// option<signed-proposal>.
type signedOption struct {
	_                   structs.HostLayout
	isSome              uint8
	proposal, signature list
}

// result<page, error>. An error's text begins at the length of the rows; its length is at the flag of the bookmark.
type pageResult struct {
	_        structs.HostLayout
	failed   uint8
	rows     list
	isSome   uint32
	bookmark list
}

// result<response, error>. An error's text is at the place of the message.
type callResult struct {
	_                structs.HostLayout
	failed           uint8
	status           int32
	message, payload list
}

type response struct {
	_                structs.HostLayout
	status           int32
	message, payload list
}

// A name and its bytes, or a row of a query.
type pair struct {
	_           structs.HostLayout
	name, value list
}

// key-modification.
type change struct {
	_           structs.HostLayout
	txID, value list
	seconds     int64
	nanos       uint32
	_           uint32
	isDelete    uint8
}

var errNoComponent = errors.New("this works in a component only: build the chaincode with `wasmcc build`")

// Returns values that the host wrote as a slice. The slice keeps their memory.
func at[T any](place list) []T {
	if place.length == 0 {
		return nil
	}
	return unsafe.Slice((*T)(pointer(place.at)), place.length)
}

func pointer(address uint32) unsafe.Pointer {
	// Same as unsafe.Pointer(uintptr(address)): the addresses are in the component's own memory.
	return unsafe.Add(unsafe.Pointer(nil), address)
}

func (place list) bytes() []byte { return at[byte](place) }

// Returns the bytes of a result that contains nothing else, and takes their memory.
func (place list) taken() []byte {
	value := place.bytes()
	takeMemory()
	return value
}

// Returns the bytes of an element of a list or map. They are never nil: JSON has an empty text for them.
func (place list) element() []byte {
	if place.length == 0 {
		return []byte{}
	}
	return place.bytes()
}

func (place list) text() string {
	bytes := place.bytes()
	return unsafe.String(unsafe.SliceData(bytes), len(bytes))
}

func (r *result) err() error {
	if r.failed == 0 {
		return nil
	}
	return errors.New(r.third.text())
}

// Returns the list in a result; it begins where an error has its kind.
func (r *result) list() list { return list{at: r.second, length: r.third.at} }

// Returns the bytes in result<option<list<u8>>, error>; nil for none.
func (r *result) bytes() ([]byte, error) {
	if err := r.err(); err != nil || r.second&0xff == 0 {
		return nil, err
	}
	return r.third.taken(), nil
}

// Returns the values in result<list<option<list<u8>>>, error>; nil for missing ones.
func (r *result) values() ([][]byte, error) {
	if err := r.err(); err != nil {
		return nil, err
	}
	taken := takeMemory()
	defer taken.keep()
	options := at[option](r.list())
	values := make([][]byte, len(options))
	for i := range options {
		if options[i].isSome != 0 {
			values[i] = options[i].value.bytes()
		}
	}
	return values, nil
}

func (r *pageResult) err() error {
	if r.failed == 0 {
		return nil
	}
	return errors.New(list{at: r.rows.length, length: r.isSome}.text())
}

func place(bytes []byte) list {
	return list{at: uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))), length: uint32(len(bytes))}
}

func placeOf(text string) list {
	return list{at: uint32(uintptr(unsafe.Pointer(unsafe.StringData(text)))), length: uint32(len(text))}
}

// Returns the list of texts as the host reads it. Both must stay reachable during the call.
func placesOf(texts []string) []list {
	places := make([]list, len(texts))
	for i, text := range texts {
		places[i] = placeOf(text)
	}
	return places
}

func places(values [][]byte) []list {
	places := make([]list, len(values))
	for i, value := range values {
		places[i] = place(value)
	}
	return places
}

func start[T any](values []T) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(values)), uint32(len(values))
}

// Returns a map of the host's entries; nil without entries, as in Fabric's shim.
func mapOf(entries []pair) map[string][]byte {
	taken := takeMemory()
	defer taken.keep()
	if len(entries) == 0 {
		return nil
	}
	values := make(map[string][]byte, len(entries))
	for _, entry := range entries {
		values[entry.name.text()] = entry.value.element()
	}
	return values
}
