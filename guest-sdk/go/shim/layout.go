// For structs.HostLayout. The version in go.mod is older: it must not raise that of contracts.

//go:build go1.23

package shim

import (
	"errors"
	"structs"
	"unsafe"
)

// What the types of wit/ look like in memory. A string or a list is a pointer and a length of 32
// bits each; what the host hands over lies in memory of cabi_realloc.

type list struct {
	_          structs.HostLayout
	at, length uint32
}

// A list of bytes that may be missing.
type option struct {
	_      structs.HostLayout
	isSome uint8
	value  list
}

// Any result<..., error> of four bytes each. Of an error, second is its kind and third its text. Of
// an option, second tells whether there is a value. Of a list and a handle, second is where it
// begins.
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

// result<page, error>. The text of an error begins where the length of the rows is; its length is
// where a page says whether there is a bookmark.
type pageResult struct {
	_        structs.HostLayout
	failed   uint8
	rows     list
	isSome   uint32
	bookmark list
}

// result<response, error>. The text of an error is where the message is.
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

// A name and its bytes, and a row of a query.
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

// What the host wrote, as a slice. Its memory stays as long as the slice.
func at[T any](place list) []T {
	if place.length == 0 {
		return nil
	}
	return unsafe.Slice((*T)(pointer(place.at)), place.length)
}

func pointer(address uint32) unsafe.Pointer {
	// The same as unsafe.Pointer(uintptr(address)): addresses of the component's own memory.
	return unsafe.Add(unsafe.Pointer(nil), address)
}

func (place list) bytes() []byte { return at[byte](place) }

// The bytes of a result that has no others.
func (place list) taken() []byte {
	value := place.bytes()
	takeMemory()
	return value
}

// The bytes of an element of a list or a map, which are never nil: JSON has an empty text of them.
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

// The list in a result; a list begins where the kind of an error is.
func (r *result) list() list { return list{at: r.second, length: r.third.at} }

// The bytes in result<option<list<u8>>, error>: nil if there are none.
func (r *result) bytes() ([]byte, error) {
	if err := r.err(); err != nil || r.second&0xff == 0 {
		return nil, err
	}
	return r.third.taken(), nil
}

// The values in result<list<option<list<u8>>>, error>: nil for those that are missing.
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

// The list of texts as the host reads it. Both must stay reachable during the call.
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

// The map of the entries that the host wrote; nil without one, as Fabric's shim has it.
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
