package shim

import "runtime"

// GetState returns the value of a key; nil if it does not exist.
func (s *ChaincodeStub) GetState(key string) ([]byte, error) {
	var result result
	importGetState(key, &result)
	return result.bytes()
}

// GetMultipleStates returns the values of keys; nil for a key that does not exist.
func (s *ChaincodeStub) GetMultipleStates(keys ...string) ([][]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	places := placesOf(keys)
	first, count := start(places)
	var result result
	importGetMultipleStates(first, count, &result)
	runtime.KeepAlive(keys)
	runtime.KeepAlive(places)
	return result.values()
}

// PutState writes at commit.
func (s *ChaincodeStub) PutState(key string, value []byte) error {
	var result result
	at, length := start(value)
	importPutState(key, at, length, &result)
	runtime.KeepAlive(value)
	return result.err()
}

// DelState deletes at commit.
func (s *ChaincodeStub) DelState(key string) error {
	var result result
	importDelState(key, &result)
	return result.err()
}

// SetStateValidationParameter sets the key's own endorsement policy.
func (s *ChaincodeStub) SetStateValidationParameter(key string, ep []byte) error {
	var result result
	at, length := start(ep)
	importPutStateMetadata(key, validationParameter, at, length, &result)
	runtime.KeepAlive(ep)
	return result.err()
}

// GetStateValidationParameter returns the key's own endorsement policy; nil if it has none.
func (s *ChaincodeStub) GetStateValidationParameter(key string) ([]byte, error) {
	var result result
	importGetStatePolicy(key, &result)
	return result.bytes()
}

// StartWriteBatch lets the peer hold back the writes that follow and send them together.
func (s *ChaincodeStub) StartWriteBatch() {
	s.batching = true
	importStartWriteBatch()
}

// FinishWriteBatch sends the writes that were held back.
func (s *ChaincodeStub) FinishWriteBatch() error {
	s.batching = false
	var result result
	importFinishWriteBatch(&result)
	return result.err()
}
