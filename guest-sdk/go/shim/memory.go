package shim

import (
	"runtime"
	"unsafe"
)

// Memory that the host has been given, to write a result there: the chunk that small pieces are cut
// from, and everything else since a result was last taken.
type memory struct {
	chunk []uint64
	whole [][]uint64
}

var given memory

const (
	chunkWords = 4096
	// From this size on a piece has memory of its own: what keeps a key does not keep its value.
	ownWords = 128
	// How much is given before the collector is asked whether it is due.
	restWords = 1 << 17
)

// How much was given since the collector was asked.
var sinceAsked int

// What asks it.
var question []byte

// Takes what the host has written. The result consists of addresses, which the collector does not
// know, so its memory has to be taken before anything else is allocated, and kept until the
// addresses are pointers. What a chaincode drops then is free again.
func takeMemory() memory {
	taken := given
	given.whole = nil
	if sinceAsked >= restWords {
		sinceAsked = 0
		// It does not start while memory is given, and is not asked when something small is
		// allocated.
		question = make([]byte, 1<<16)
	}
	return taken
}

// Ends the time for which a result is needed.
func (m *memory) keep() { runtime.KeepAlive(m) }

func allocate(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Add(unsafe.Pointer(nil), align)
	}
	// No larger alignment than that of a word is ever asked for.
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
