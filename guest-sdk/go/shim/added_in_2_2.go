package shim

// addedIn22 has the methods that Fabric's shim has since version 2.2, see addedIn21.
type addedIn22 interface {
	// GetMultipleStates returns the values of keys; nil for a key that does not exist.
	GetMultipleStates(keys ...string) ([][]byte, error)
	// GetMultiplePrivateData returns the values of keys of a collection.
	GetMultiplePrivateData(collection string, keys ...string) ([][]byte, error)
}
