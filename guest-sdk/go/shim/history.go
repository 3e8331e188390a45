package shim

import (
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func modification(row *change) *queryresult.KeyModification {
	return &queryresult.KeyModification{
		TxId:      row.txID.text(),
		Value:     row.value.bytes(),
		Timestamp: &timestamppb.Timestamp{Seconds: row.seconds, Nanos: int32(row.nanos)},
		IsDelete:  row.isDelete != 0,
	}
}
