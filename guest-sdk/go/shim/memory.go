package shim

import (
	"runtime"
	"unsafe"
)

// Memory that the host has received for a result: the chunk for small pieces, and all other memory since the last
// result was taken.
type memory struct {
	chunk []uint64
	whole [][]uint64
}

var given memory

const (
	chunkWords = 4096
	// Pieces of at least this size have their own memory, so that keeping a key does not keep its value.
	ownWords = 128
	// Allocated words after which the collector may run.
	restWords = 1 << 17
)

// Words allocated since the collector could last run.
var sinceAsked int

// The allocation that lets the collector run.
var question []byte

// Takes the memory of the host's result. The collector does not know the addresses in the result. So take the memory
// before anything else is allocated, and keep it until the addresses are pointers. Memory that a chaincode then drops
// is freed.
func takeMemory() memory {
	taken := given
	given.whole = nil
	if sinceAsked >= restWords {
		sinceAsked = 0
		// The collector does not start in cabi_realloc, and small allocations do not start it.
		question = make([]byte, 1<<16)
	}
	return taken
}

// Marks the end of a result's use.
func (m *memory) keep() { runtime.KeepAlive(m) }

func allocate(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Add(unsafe.Pointer(nil), align)
	}
	// Words suffice: no larger alignment is requested.
	words := int(size+7) / 8
	sinceAsked += words
	to := unsafe.Pointer(unsafe.SliceData(given.piece(words)))
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(to), size), unsafe.Slice((*byte)(old), min(oldSize, size)))
	}
	return to
}

func (m *memory) piece(words int) []uint64 {
	if words >= ownWords {
		own := make([]uint64, words)
		m.whole = append(m.whole, own)
		return own
	}
	if words > len(m.chunk) {
		m.whole = append(m.whole, m.chunk)
		m.chunk = make([]uint64, chunkWords)
	}
	piece := m.chunk[:words:words]
	m.chunk = m.chunk[words:]
	return piece
}
