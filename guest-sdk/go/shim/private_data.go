package shim

import (
	"errors"
	"runtime"
)

var errNoCollection = errors.New("collection must not be an empty string")

// GetPrivateData returns the value of a key of a collection; nil if it does not exist.
func (s *ChaincodeStub) GetPrivateData(collection, key string) ([]byte, error) {
	var result result
	importGetPrivateData(collection, key, &result)
	return result.bytes()
}

// GetMultiplePrivateData returns the values of keys of a collection.
func (s *ChaincodeStub) GetMultiplePrivateData(collection string, keys ...string) ([][]byte, error) {
	if collection == "" {
		return nil, errNoCollection
	}
	if len(keys) == 0 {
		return nil, nil
	}
	places := placesOf(keys)
	first, count := start(places)
	var result result
	importGetMultiplePrivateData(collection, first, count, &result)
	runtime.KeepAlive(keys)
	runtime.KeepAlive(places)
	return result.values()
}

// GetPrivateDataHash returns the SHA-256 of the value; nil if the key does not exist.
func (s *ChaincodeStub) GetPrivateDataHash(collection, key string) ([]byte, error) {
	var result result
	importGetPrivateDataHash(collection, key, &result)
	return result.bytes()
}

// PutPrivateData writes at commit.
func (s *ChaincodeStub) PutPrivateData(collection string, key string, value []byte) error {
	var result result
	at, length := start(value)
	importPutPrivateData(collection, key, at, length, &result)
	runtime.KeepAlive(value)
	return result.err()
}

// DelPrivateData deletes at commit.
func (s *ChaincodeStub) DelPrivateData(collection, key string) error {
	var result result
	importDelPrivateData(collection, key, &result)
	return result.err()
}

// PurgePrivateData deletes at commit, and removes all earlier values.
func (s *ChaincodeStub) PurgePrivateData(collection, key string) error {
	var result result
	importPurgePrivateData(collection, key, &result)
	return result.err()
}

// SetPrivateDataValidationParameter sets the key's own endorsement policy. With the collection "" the key is a public
// one, as in Fabric's shim.
func (s *ChaincodeStub) SetPrivateDataValidationParameter(collection, key string, ep []byte) error {
	if collection == "" {
		return s.SetStateValidationParameter(key, ep)
	}
	var result result
	at, length := start(ep)
	importSetPrivateDataPolicy(collection, key, at, length, &result)
	runtime.KeepAlive(ep)
	return result.err()
}

// GetPrivateDataValidationParameter returns the key's own endorsement policy. With the collection "" the key is a
// public one, as in Fabric's shim.
func (s *ChaincodeStub) GetPrivateDataValidationParameter(collection, key string) ([]byte, error) {
	if collection == "" {
		return s.GetStateValidationParameter(key)
	}
	var result result
	importGetPrivateDataPolicy(collection, key, &result)
	return result.bytes()
}

// GetPrivateDataByRange returns the keys of a collection from startKey (included) to endKey (excluded).
func (s *ChaincodeStub) GetPrivateDataByRange(collection, startKey, endKey string) (StateQueryIteratorInterface, error) {
	var result result
	importGetPrivateDataByRange(collection, startKey, endKey, &result)
	return rowsOf(&result)
}

// GetPrivateDataByPartialCompositeKey returns the composite keys that begin with these parts.
func (s *ChaincodeStub) GetPrivateDataByPartialCompositeKey(collection, objectType string, keys []string) (StateQueryIteratorInterface, error) {
	if collection == "" {
		return nil, errNoCollection
	}
	if _, err := s.CreateCompositeKey(objectType, keys); err != nil {
		return nil, err
	}
	places := placesOf(keys)
	at, count := start(places)
	var result result
	importGetPrivateDataByPartialKey(collection, objectType, at, count, &result)
	runtime.KeepAlive(keys)
	runtime.KeepAlive(places)
	return rowsOf(&result)
}

// GetPrivateDataQueryResult returns the rows of a collection that match a CouchDB selector.
func (s *ChaincodeStub) GetPrivateDataQueryResult(collection, query string) (StateQueryIteratorInterface, error) {
	var result result
	importGetPrivateDataQueryResult(collection, query, &result)
	return rowsOf(&result)
}
