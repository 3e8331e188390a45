//go:build wasip1

package shim

import "unsafe"

// The functions of wit/. For a function that returns more than a number, the host writes the result to the address in
// the last parameter.

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-args
func importGetArgs(to *list)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-tx-id
func importGetTxID(to *list)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-channel-id
func importGetChannelID(to *list)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-creator
func importGetCreator(to *list)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-transient
func importGetTransient(to *list)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-tx-timestamp
func importGetTxTimestamp(to *timeOption)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-binding
func importGetBinding(to *list)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-signed-proposal
func importGetSignedProposal(to *signedOption)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-decorations
func importGetDecorations(to *list)

//go:wasmimport fabric:chaincode/transaction@0.2.0 get-peer-msp-id
func importGetPeerMSPID(to *option)

//go:wasmimport fabric:chaincode/state@0.2.0 get-state
func importGetState(key string, to *result)

//go:wasmimport fabric:chaincode/state@0.2.0 get-multiple-states
func importGetMultipleStates(keys unsafe.Pointer, count uint32, to *result)

//go:wasmimport fabric:chaincode/state@0.2.0 put-state
func importPutState(key string, value unsafe.Pointer, length uint32, to *result)

//go:wasmimport fabric:chaincode/state@0.2.0 del-state
func importDelState(key string, to *result)

//go:wasmimport fabric:chaincode/state@0.2.0 put-state-metadata
func importPutStateMetadata(key string, name string, value unsafe.Pointer, length uint32, to *result)

//go:wasmimport fabric:chaincode/state@0.2.0 get-state-validation-parameter
func importGetStatePolicy(key string, to *result)

//go:wasmimport fabric:chaincode/state@0.2.0 start-write-batch
func importStartWriteBatch()

//go:wasmimport fabric:chaincode/state@0.2.0 finish-write-batch
func importFinishWriteBatch(to *result)

//go:wasmimport fabric:chaincode/query@0.2.0 get-state-by-range
func importGetStateByRange(start string, end string, to *result)

//go:wasmimport fabric:chaincode/query@0.2.0 get-state-by-range-with-pagination
func importGetStateByRangePage(start string, end string, size uint32, has uint32, bookmark string, to *pageResult)

//go:wasmimport fabric:chaincode/query@0.2.0 get-state-by-partial-composite-key
func importGetStateByPartialKey(kind string, parts unsafe.Pointer, count uint32, to *result)

//go:wasmimport fabric:chaincode/query@0.2.0 get-state-by-partial-composite-key-with-pagination
func importGetStateByPartialKeyPage(kind string, parts unsafe.Pointer, count uint32, size uint32, has uint32, bookmark string, to *pageResult)

//go:wasmimport fabric:chaincode/query@0.2.0 get-all-states-composite-key-with-pagination
func importGetAllCompositeKeys(size uint32, has uint32, bookmark string, to *pageResult)

//go:wasmimport fabric:chaincode/query@0.2.0 get-query-result
func importGetQueryResult(query string, to *result)

//go:wasmimport fabric:chaincode/query@0.2.0 get-query-result-with-pagination
func importGetQueryResultPage(query string, size uint32, has uint32, bookmark string, to *pageResult)

//go:wasmimport fabric:chaincode/query@0.2.0 get-history-for-key
func importGetHistoryForKey(key string, to *result)

//go:wasmimport fabric:chaincode/rows@0.2.0 [method]state-iterator.next-batch
func importNextRows(iterator uint32, most uint32, to *result)

//go:wasmimport fabric:chaincode/rows@0.2.0 [resource-drop]state-iterator
func importCloseRows(iterator uint32)

//go:wasmimport fabric:chaincode/rows@0.2.0 [method]history-iterator.next-batch
func importNextChanges(iterator uint32, most uint32, to *result)

//go:wasmimport fabric:chaincode/rows@0.2.0 [resource-drop]history-iterator
func importCloseChanges(iterator uint32)

//go:wasmimport fabric:chaincode/private-data@0.2.0 get-private-data
func importGetPrivateData(collection string, key string, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 get-multiple-private-data
func importGetMultiplePrivateData(collection string, keys unsafe.Pointer, count uint32, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 get-private-data-hash
func importGetPrivateDataHash(collection string, key string, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 put-private-data
func importPutPrivateData(collection string, key string, value unsafe.Pointer, length uint32, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 del-private-data
func importDelPrivateData(collection string, key string, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 purge-private-data
func importPurgePrivateData(collection string, key string, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 get-private-data-by-range
func importGetPrivateDataByRange(collection string, start string, end string, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 get-private-data-by-partial-composite-key
func importGetPrivateDataByPartialKey(collection string, kind string, parts unsafe.Pointer, count uint32, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 get-private-data-query-result
func importGetPrivateDataQueryResult(collection string, query string, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 get-private-data-validation-parameter
func importGetPrivateDataPolicy(collection string, key string, to *result)

//go:wasmimport fabric:chaincode/private-data@0.2.0 set-private-data-validation-parameter
func importSetPrivateDataPolicy(collection string, key string, policy unsafe.Pointer, length uint32, to *result)

//go:wasmimport fabric:chaincode/invocation@0.2.0 invoke-chaincode
func importInvokeChaincode(name string, args unsafe.Pointer, count uint32, has uint32, channel string, to *callResult)

//go:wasmimport fabric:chaincode/event@0.2.0 set-event
func importSetEvent(name string, payload unsafe.Pointer, length uint32, to *result)
