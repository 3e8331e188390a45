package shim

import (
	"errors"
	"math"
	"runtime"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// The most rows per request. The peer ends a batch earlier if one more row would make it read more.
const batch = 1000

var errNoRow = errors.New("no such key")

// GetStateByRange returns the keys from startKey (included) to endKey (excluded).
func (s *ChaincodeStub) GetStateByRange(startKey, endKey string) (StateQueryIteratorInterface, error) {
	var result result
	importGetStateByRange(startKey, endKey, &result)
	return rowsOf(&result)
}

// GetStateByRangeWithPagination returns one page of a range.
func (s *ChaincodeStub) GetStateByRangeWithPagination(startKey, endKey string, pageSize int32, bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error) {
	var result pageResult
	importGetStateByRangePage(startKey, endKey, page(pageSize), some(bookmark), bookmark, &result)
	return pageOf(&result, pageSize, bookmark)
}

// GetStateByPartialCompositeKey returns the composite keys that begin with these parts.
func (s *ChaincodeStub) GetStateByPartialCompositeKey(objectType string, keys []string) (StateQueryIteratorInterface, error) {
	if _, err := s.CreateCompositeKey(objectType, keys); err != nil {
		return nil, err
	}
	places := placesOf(keys)
	at, count := start(places)
	var result result
	importGetStateByPartialKey(objectType, at, count, &result)
	runtime.KeepAlive(keys)
	runtime.KeepAlive(places)
	return rowsOf(&result)
}

// GetStateByPartialCompositeKeyWithPagination returns one page of the composite keys that begin with these parts.
func (s *ChaincodeStub) GetStateByPartialCompositeKeyWithPagination(objectType string, keys []string, pageSize int32, bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error) {
	if _, err := s.CreateCompositeKey(objectType, keys); err != nil {
		return nil, nil, err
	}
	places := placesOf(keys)
	at, count := start(places)
	var result pageResult
	importGetStateByPartialKeyPage(objectType, at, count, page(pageSize), some(bookmark), bookmark, &result)
	runtime.KeepAlive(keys)
	runtime.KeepAlive(places)
	return pageOf(&result, pageSize, bookmark)
}

// GetAllStatesCompositeKeyWithPagination returns one page of all composite keys.
func (s *ChaincodeStub) GetAllStatesCompositeKeyWithPagination(pageSize int32, bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error) {
	var result pageResult
	importGetAllCompositeKeys(page(pageSize), some(bookmark), bookmark, &result)
	return pageOf(&result, pageSize, bookmark)
}

// GetQueryResult returns the rows that match a CouchDB selector.
func (s *ChaincodeStub) GetQueryResult(query string) (StateQueryIteratorInterface, error) {
	var result result
	importGetQueryResult(query, &result)
	return rowsOf(&result)
}

// GetQueryResultWithPagination returns one page of the rows that match a CouchDB selector.
func (s *ChaincodeStub) GetQueryResultWithPagination(query string, pageSize int32, bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error) {
	var result pageResult
	importGetQueryResultPage(query, page(pageSize), some(bookmark), bookmark, &result)
	return pageOf(&result, pageSize, bookmark)
}

// GetHistoryForKey returns the changes of a key, newest first.
func (s *ChaincodeStub) GetHistoryForKey(key string) (HistoryQueryIteratorInterface, error) {
	var result result
	importGetHistoryForKey(key, &result)
	if err := result.err(); err != nil {
		return nil, err
	}
	source := source[change]{handle: result.second, next: importNextChanges, close: importCloseChanges}
	return &HistoryQueryIterator{CommonIterator[change]{source: &source}}, nil
}

func rowsOf(result *result) (StateQueryIteratorInterface, error) {
	if err := result.err(); err != nil {
		return nil, err
	}
	source := source[pair]{handle: result.second, next: importNextRows, close: importCloseRows}
	return &StateQueryIterator{CommonIterator[pair]{source: &source}}, nil
}

// Returns 1 if an optional text exists: an empty text means none.
func some(text string) uint32 {
	if text == "" {
		return 0
	}
	return 1
}

// Returns the page size for the peer. On Fabric's peer a negative size means a page without a limit.
func page(size int32) uint32 {
	if size < 0 {
		return math.MaxInt32
	}
	return uint32(size)
}

func pageOf(result *pageResult, size int32, bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error) {
	if err := result.err(); err != nil {
		return nil, nil, err
	}
	rows := CommonIterator[pair]{rows: at[pair](result.rows), taken: takeMemory()}
	metadata := peer.QueryResponseMetadata{}
	// Without size and bookmark, the peer returns no count.
	if size != 0 || bookmark != "" {
		metadata.FetchedRecordsCount = int32(result.rows.length)
	}
	if result.isSome&0xff != 0 {
		metadata.Bookmark = result.bookmark.text()
	}
	return &StateQueryIterator{rows}, &metadata, nil
}

// An open query at the peer.
type source[R any] struct {
	handle uint32
	next   func(iterator uint32, most uint32, to *result)
	close  func(iterator uint32)
}

// CommonIterator holds fetched rows and the query that returns more.
type CommonIterator[R any] struct {
	// Nil for a page and after the end.
	source *source[R]
	rows   []R
	// The memory of the rows.
	taken memory
	// The peer's error; Next returns it.
	failed error
}

// StateQueryIterator returns the rows of a range or a rich query.
type StateQueryIterator struct{ CommonIterator[pair] }

// HistoryQueryIterator returns the changes of a key.
type HistoryQueryIterator struct{ CommonIterator[change] }

// Fetches rows if none are left.
func (iter *CommonIterator[R]) fill() {
	if len(iter.rows) > 0 || iter.source == nil || iter.failed != nil {
		return
	}
	var result result
	iter.source.next(iter.source.handle, batch, &result)
	if iter.failed = result.err(); iter.failed == nil {
		iter.rows = at[R](result.list())
		iter.taken = takeMemory()
	}
	if len(iter.rows) == 0 {
		_ = iter.Close()
	}
}

// HasNext reports whether Next returns a row or an error.
func (iter *CommonIterator[R]) HasNext() bool {
	iter.fill()
	return len(iter.rows) > 0 || iter.failed != nil
}

func (iter *CommonIterator[R]) take() (row *R, err error) {
	iter.fill()
	if err = iter.failed; err != nil {
		iter.failed = nil
		return nil, err
	}
	if len(iter.rows) == 0 {
		return nil, errNoRow
	}
	row, iter.rows = &iter.rows[0], iter.rows[1:]
	return row, nil
}

// Close closes the query at the peer.
func (iter *CommonIterator[R]) Close() error {
	if iter.source != nil {
		iter.source.close(iter.source.handle)
		iter.source = nil
	}
	return nil
}

// Next returns the next row.
func (iter *StateQueryIterator) Next() (*queryresult.KV, error) {
	row, err := iter.take()
	if err != nil {
		return nil, err
	}
	defer iter.taken.keep()
	return &queryresult.KV{Key: row.name.text(), Value: row.value.bytes()}, nil
}

// Next returns the next change.
func (iter *HistoryQueryIterator) Next() (*queryresult.KeyModification, error) {
	row, err := iter.take()
	if err != nil {
		return nil, err
	}
	defer iter.taken.keep()
	return modification(row), nil
}
