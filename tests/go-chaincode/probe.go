// A chaincode on Fabric's Go shim that does one thing per call, like the component of tests/chaincodes/probe: with the
// same arguments, texts and ledger calls. A peer connects to it (CHAINCODE_ID, CHAINCODE_SERVER_ADDRESS).
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

type stub = shim.ChaincodeStubInterface

// Packages of loggers read their program's name like this, before main runs.
var program = os.Args[0]

type probe struct{}

// Init writes its arguments, joined by blanks, to the key "init"; it fails if the first is "fail".
func (probe) Init(s stub) *peer.Response {
	args := s.GetStringArgs()
	if len(args) > 0 && args[0] == "fail" {
		return shim.Error("init failed")
	}
	return answer(nil, s.PutState("init", []byte(strings.Join(args, " "))))
}

func (probe) Invoke(s stub) *peer.Response {
	operation, args := s.GetFunctionAndParameters()
	if operation == "status" {
		return status(args)
	}
	return answer(run(s, operation, args))
}

func answer(payload []byte, err error) *peer.Response {
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}

func status(args []string) *peer.Response {
	words := append(append([]string{}, args...), "", "")
	number, err := strconv.ParseInt(args[0], 10, 32)
	if err != nil {
		return shim.Error(err.Error())
	}
	return &peer.Response{Status: int32(number), Message: words[1], Payload: []byte(words[2])}
}

func run(s stub, operation string, args []string) ([]byte, error) {
	for _, group := range []func(stub, string, []string) ([]byte, error, bool){
		state, together, queries, metadata, private, accounts, large,
	} {
		if payload, err, known := group(s, operation, args); known {
			return payload, err
		}
	}
	return nil, fmt.Errorf("no operation %s with %d arguments", operation, len(args))
}

func state(s stub, operation string, args []string) ([]byte, error, bool) {
	switch operation {
	case "noop":
		return nil, nil, true
	case "sleep":
		duration, err := time.ParseDuration(args[0])
		time.Sleep(duration)
		return nil, err, true
	case "given":
		transient, err := s.GetTransient()
		if err != nil {
			return nil, err, true
		}
		text, err := json.Marshal([]any{s.GetArgs(), transient, s.GetDecorations()})
		return text, err, true
	case "program":
		return []byte(fmt.Sprint(program, len(os.Args))), nil, true
	case "missing-file":
		_, err := os.ReadFile(args[0])
		return []byte(strconv.FormatBool(errors.Is(err, fs.ErrNotExist))), nil, true
	case "put":
		return nil, s.PutState(args[0], []byte(args[1])), true
	case "get":
		value, err := s.GetState(args[0])
		return value, err, true
	case "del":
		return nil, s.DelState(args[0]), true
	case "empty":
		return nil, s.PutState(args[0], nil), true
	case "rmw":
		value, err := s.GetState(args[0])
		if err != nil {
			return nil, err, true
		}
		return nil, s.PutState(args[0], append(value, args[1]...)), true
	case "putread":
		if err := s.PutState(args[0], []byte(args[1])); err != nil {
			return nil, err, true
		}
		value, err := s.GetState(args[0])
		return value, err, true
	case "mput":
		return nil, putMany(s, args[0], number(args[1])), true
	case "hold":
		s.StartWriteBatch()
		return nil, putMany(s, args[0], number(args[1])), true
	case "batch":
		s.StartWriteBatch()
		if err := putMany(s, args[0], number(args[1])); err != nil {
			return nil, err, true
		}
		return nil, s.FinishWriteBatch(), true
	case "start-batch":
		s.StartWriteBatch()
		return nil, nil, true
	case "finish-batch":
		return nil, s.FinishWriteBatch(), true
	case "mget":
		values, err := s.GetMultipleStates(args...)
		var found []string
		for _, value := range values {
			if len(value) == 0 {
				value = []byte("-")
			}
			found = append(found, string(value))
		}
		return lines(found), err, true
	case "event":
		return nil, s.SetEvent(args[0], []byte(args[1])), true
	}
	return nil, nil, false
}

// together combines operations, and calls other chaincodes.
func together(s stub, operation string, args []string) ([]byte, error, bool) {
	switch operation {
	case "then":
		var all []byte
		for len(args) > 0 {
			end := len(args)
			for at, word := range args {
				if word == ";" {
					end = at
					break
				}
			}
			payload, err := run(s, args[0], args[1:end])
			if err != nil {
				return nil, err, true
			}
			all = append(all, payload...)
			args = args[min(end+1, len(args)):]
		}
		return all, nil, true
	case "caught":
		payload, err := run(s, args[0], args[1:])
		if err != nil {
			payload = []byte(err.Error() + "\n")
		}
		return payload, nil, true
	case "repeat":
		var all []byte
		for range number(args[0]) {
			payload, err := run(s, args[1], args[2:])
			if err != nil {
				return nil, err, true
			}
			all = append(all, payload...)
		}
		return all, nil, true
	case "called":
		var input [][]byte
		for _, arg := range args[2:] {
			input = append(input, []byte(arg))
		}
		response := s.InvokeChaincode(args[1], input, args[0])
		return lines([]string{
			fmt.Sprintf("status=%d", response.Status),
			"message=" + response.Message,
			string(response.Payload),
		}), nil, true
	}
	return nil, nil, false
}

func queries(s stub, operation string, args []string) ([]byte, error, bool) {
	switch operation {
	case "range":
		rows, err := s.GetStateByRange(args[0], args[1])
		return show(rows, err, limit(args, 2), plain)
	case "page":
		size := int32(number(args[2]))
		rows, about, err := s.GetStateByRangeWithPagination(args[0], args[1], size, args[3])
		return page(rows, about, err)
	case "comp":
		key, err := s.CreateCompositeKey(args[0], args[1:len(args)-1])
		if err != nil {
			return nil, err, true
		}
		return nil, s.PutState(key, []byte(args[len(args)-1])), true
	case "pcomp":
		rows, err := s.GetStateByPartialCompositeKey(args[0], args[1:])
		return show(rows, err, -1, composite(s))
	case "pcomppage":
		size := int32(number(args[2]))
		attributes := []string{args[1]}
		rows, about, err :=
			s.GetStateByPartialCompositeKeyWithPagination(args[0], attributes, size, args[3])
		return page(rows, about, err)
	case "history":
		changes, err := s.GetHistoryForKey(args[0])
		if err != nil {
			return nil, err, true
		}
		defer changes.Close()
		var found []string
		for most := limit(args, 1); (most < 0 || len(found) < most) && changes.HasNext(); {
			change, err := changes.Next()
			if err != nil {
				return nil, err, true
			}
			value := string(change.Value)
			if change.IsDelete {
				value = "deleted"
			}
			line := fmt.Sprintf("%s %d %s", change.TxId, change.Timestamp.GetSeconds(), value)
			found = append(found, line)
		}
		return lines(found), nil, true
	}
	return nil, nil, false
}

func metadata(s stub, operation string, args []string) ([]byte, error, bool) {
	switch operation {
	case "setmeta":
		return nil, s.SetStateValidationParameter(args[0], []byte(args[1])), true
	case "getmeta":
		policy, err := s.GetStateValidationParameter(args[0])
		return policy, err, true
	case "psetmeta":
		return nil, s.SetPrivateDataValidationParameter(args[0], args[1], []byte(args[2])), true
	case "pgetmeta":
		policy, err := s.GetPrivateDataValidationParameter(args[0], args[1])
		return policy, err, true
	}
	return nil, nil, false
}

func private(s stub, operation string, args []string) ([]byte, error, bool) {
	switch operation {
	case "pput":
		return nil, s.PutPrivateData(args[0], args[1], []byte(args[2])), true
	case "pput-transient":
		transient, err := s.GetTransient()
		if err != nil {
			return nil, err, true
		}
		return nil, s.PutPrivateData(args[0], args[1], transient[args[2]]), true
	case "pget":
		value, err := s.GetPrivateData(args[0], args[1])
		return value, err, true
	case "phash":
		hash, err := s.GetPrivateDataHash(args[0], args[1])
		return []byte(hex.EncodeToString(hash)), err, true
	case "pdel":
		return nil, s.DelPrivateData(args[0], args[1]), true
	case "ppurge":
		return nil, s.PurgePrivateData(args[0], args[1]), true
	case "prange":
		rows, err := s.GetPrivateDataByRange(args[0], args[1], args[2])
		return show(rows, err, -1, plain)
	case "ppcomp":
		rows, err := s.GetPrivateDataByPartialCompositeKey(args[0], args[1], args[2:])
		return show(rows, err, -1, composite(s))
	case "transient":
		transient, err := s.GetTransient()
		return transient[args[0]], err, true
	}
	return nil, nil, false
}

type rowText = func(key string, value []byte) (string, error)

func plain(key string, value []byte) (string, error) {
	return fmt.Sprintf("%s=%s", key, value), nil
}

func composite(s stub) rowText {
	return func(key string, value []byte) (string, error) {
		kind, attributes, err := s.SplitCompositeKey(key)
		return fmt.Sprintf("%s/%s=%s", kind, strings.Join(attributes, "/"), value), err
	}
}

func show(
	rows shim.StateQueryIteratorInterface, err error, most int, text rowText,
) ([]byte, error, bool) {
	if err != nil {
		return nil, err, true
	}
	defer rows.Close()
	var found []string
	for (most < 0 || len(found) < most) && rows.HasNext() {
		row, err := rows.Next()
		if err != nil {
			return nil, err, true
		}
		line, err := text(row.Key, row.Value)
		if err != nil {
			return nil, err, true
		}
		found = append(found, line)
	}
	return lines(found), nil, true
}

func page(
	rows shim.StateQueryIteratorInterface, about *peer.QueryResponseMetadata, err error,
) ([]byte, error, bool) {
	payload, err, _ := show(rows, err, -1, plain)
	if err != nil {
		return nil, err, true
	}
	tail := fmt.Sprintf("count=%d bookmark=%s\n", about.FetchedRecordsCount, about.Bookmark)
	return append(payload, tail...), nil, true
}

func putMany(s stub, prefix string, count int) error {
	for index := range count {
		key := fmt.Sprintf("%s%05d", prefix, index)
		if err := s.PutState(key, []byte(strconv.Itoa(index))); err != nil {
			return err
		}
	}
	return nil
}

func lines(all []string) []byte {
	var text []byte
	for _, line := range all {
		text = append(append(text, line...), '\n')
	}
	return text
}

// limit returns the number at an index; -1 if it is missing.
func limit(args []string, at int) int {
	if len(args) <= at {
		return -1
	}
	return number(args[at])
}

func number(text string) int {
	value, _ := strconv.Atoi(text)
	return value
}

func main() {
	server := &shim.ChaincodeServer{
		CCID:     os.Getenv("CHAINCODE_ID"),
		Address:  os.Getenv("CHAINCODE_SERVER_ADDRESS"),
		CC:       probe{},
		TLSProps: shim.TLSProperties{Disabled: true},
	}
	if err := server.Start(); err != nil && !errors.Is(err, os.ErrClosed) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
