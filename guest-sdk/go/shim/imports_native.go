//go:build !wasip1

package shim

import "unsafe"

// A chaincode runs as a component only. Native tests use a stub of their own.

func importGetArgs(*list)                                                    { panic(errNoComponent) }
func importGetTxID(*list)                                                    { panic(errNoComponent) }
func importGetChannelID(*list)                                               { panic(errNoComponent) }
func importGetCreator(*list)                                                 { panic(errNoComponent) }
func importGetTransient(*list)                                               { panic(errNoComponent) }
func importGetTxTimestamp(*timeOption)                                       { panic(errNoComponent) }
func importGetBinding(*list)                                                 { panic(errNoComponent) }
func importGetSignedProposal(*signedOption)                                  { panic(errNoComponent) }
func importGetDecorations(*list)                                             { panic(errNoComponent) }
func importGetPeerMSPID(*option)                                             { panic(errNoComponent) }
func importGetState(string, *result)                                         { panic(errNoComponent) }
func importGetMultipleStates(unsafe.Pointer, uint32, *result)                { panic(errNoComponent) }
func importPutState(string, unsafe.Pointer, uint32, *result)                 { panic(errNoComponent) }
func importDelState(string, *result)                                         { panic(errNoComponent) }
func importPutStateMetadata(string, string, unsafe.Pointer, uint32, *result) { panic(errNoComponent) }
func importGetStatePolicy(string, *result)                                   { panic(errNoComponent) }
func importStartWriteBatch()                                                 { panic(errNoComponent) }
func importFinishWriteBatch(*result)                                         { panic(errNoComponent) }
func importGetStateByRange(string, string, *result)                          { panic(errNoComponent) }
func importGetStateByRangePage(string, string, uint32, uint32, string, *pageResult) {
	panic(errNoComponent)
}
func importGetStateByPartialKey(string, unsafe.Pointer, uint32, *result) { panic(errNoComponent) }
func importGetStateByPartialKeyPage(string, unsafe.Pointer, uint32, uint32, uint32, string, *pageResult) {
	panic(errNoComponent)
}
func importGetAllCompositeKeys(uint32, uint32, string, *pageResult)        { panic(errNoComponent) }
func importGetQueryResult(string, *result)                                 { panic(errNoComponent) }
func importGetQueryResultPage(string, uint32, uint32, string, *pageResult) { panic(errNoComponent) }
func importGetHistoryForKey(string, *result)                               { panic(errNoComponent) }
func importNextRows(uint32, uint32, *result)                               { panic(errNoComponent) }
func importCloseRows(uint32)                                               { panic(errNoComponent) }
func importNextChanges(uint32, uint32, *result)                            { panic(errNoComponent) }
func importCloseChanges(uint32)                                            { panic(errNoComponent) }
func importGetPrivateData(string, string, *result)                         { panic(errNoComponent) }
func importGetMultiplePrivateData(string, unsafe.Pointer, uint32, *result) { panic(errNoComponent) }
func importGetPrivateDataHash(string, string, *result)                     { panic(errNoComponent) }
func importPutPrivateData(string, string, unsafe.Pointer, uint32, *result) { panic(errNoComponent) }
func importDelPrivateData(string, string, *result)                         { panic(errNoComponent) }
func importPurgePrivateData(string, string, *result)                       { panic(errNoComponent) }
func importGetPrivateDataByRange(string, string, string, *result)          { panic(errNoComponent) }
func importGetPrivateDataByPartialKey(string, string, unsafe.Pointer, uint32, *result) {
	panic(errNoComponent)
}
func importGetPrivateDataQueryResult(string, string, *result) { panic(errNoComponent) }
func importGetPrivateDataPolicy(string, string, *result)      { panic(errNoComponent) }
func importSetPrivateDataPolicy(string, string, unsafe.Pointer, uint32, *result) {
	panic(errNoComponent)
}
func importInvokeChaincode(string, unsafe.Pointer, uint32, uint32, string, *callResult) {
	panic(errNoComponent)
}
func importSetEvent(string, unsafe.Pointer, uint32, *result) { panic(errNoComponent) }
