package shim

import (
	"fmt"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The expected texts are those of Fabric's own messages.
func TestMessagesArePrintedInProtobufsTextFormat(t *testing.T) {
	for expected, message := range map[string]any{
		`status:200 payload:"x"`:                       Success([]byte("x")),
		`status:500 message:"bad"`:                     Error("bad"),
		`fetched_records_count:2 bookmark:"b9"`:        &peer.QueryResponseMetadata{FetchedRecordsCount: 2, Bookmark: "b9"},
		`proposal_bytes:"\n\x01\xff" signature:"\""`:   &peer.SignedProposal{ProposalBytes: []byte("\n\x01\xff"), Signature: []byte(`"`)},
		`mspid:"Org1MSP" id_bytes:"\\\r\t\x7f\u0085é"`: &msp.SerializedIdentity{Mspid: "Org1MSP", IdBytes: []byte("\\\r\t\x7f\u0085é")},
		`key:"k" value:"v"`:                            &queryresult.KV{Key: "k", Value: []byte("v")},
		`tx_id:"t" timestamp:{seconds:5} is_delete:true`: &queryresult.KeyModification{
			TxId: "t", Value: []byte{}, Timestamp: &timestamppb.Timestamp{Seconds: 5}, IsDelete: true,
		},
		``:      &timestamppb.Timestamp{},
		`<nil>`: (*peer.Response)(nil),
		`ADMIN`: msp.MSPRole_ADMIN,
		`9`:     msp.MSPRole_MSPRoleType(9),
	} {
		for _, text := range []string{fmt.Sprintf("%s", message), fmt.Sprintf("%v", message)} {
			if text != expected {
				t.Errorf("%s, not %s", text, expected)
			}
		}
	}
}
