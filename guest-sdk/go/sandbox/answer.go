package sandbox

import "encoding/json"

// Endorsed is the answer to a call, with the call's changes.
type Endorsed struct {
	TxID string
	// The response's status; below 400 is success.
	Status  int
	Message string
	Payload []byte
	// The event; nil if there is none.
	Event *Event
	// The reads and writes, by chaincode; nil if the call was refused.
	Rwset map[string]Rwset
	// The fuel that the call used.
	Fuel uint64
	kept int
}

// Text returns the payload.
func (e *Endorsed) Text() string { return string(e.Payload) }

// JSON parses the payload.
func (e *Endorsed) JSON(to any) error { return json.Unmarshal(e.Payload, to) }

// Event is the event of a transaction.
type Event struct {
	Name    string
	Payload []byte
}

// Rwset has the reads and writes of a transaction in one chaincode's namespace.
type Rwset struct {
	Reads  []string
	Writes []Write
}

// Write is a change of a key.
type Write struct {
	Key      string
	Value    []byte
	IsDelete bool
}

// Submitted is a transaction in a block.
type Submitted struct {
	Endorsed
	// The number of the block.
	Block uint64
	// Such as VALID or MVCC_READ_CONFLICT.
	Code string
	// The reason why it is not valid.
	Reason string
}

// Error is a failure of a sandbox.
type Error struct {
	// One of program, setup, deployment, no_user, rejected, refused, assemble, commit, invalid, diverged.
	Kind string
	// The reason. For a refusal, the message of the response.
	Text string
	// The validation code of a transaction that is not valid.
	Code string
}

func (e *Error) Error() string { return e.Kind + ": " + e.Text }

// A value and the bytes that it refers to by number.
type reader struct {
	json  json.RawMessage
	blobs [][]byte
}

func (r reader) into(to any) { _ = json.Unmarshal(r.json, to) }

func (r reader) list() (all []reader) {
	var values []json.RawMessage
	r.into(&values)
	for _, value := range values {
		all = append(all, reader{value, r.blobs})
	}
	return all
}

func (r reader) bytes() []byte {
	var number *int
	r.into(&number)
	return r.blob(number)
}

func (r reader) blob(number *int) []byte {
	if number == nil || *number < 0 || *number >= len(r.blobs) {
		return nil
	}
	return r.blobs[*number]
}

func (r reader) endorsed(to *Endorsed) {
	var value struct {
		TxID     string `json:"tx_id"`
		Response struct {
			Status  int
			Message string
			Payload *int
		}
		Rwset map[string]struct {
			Reads  []struct{ Key string }
			Writes []struct {
				Key      string
				Value    *int
				IsDelete bool `json:"is_delete"`
			}
		}
		Event *struct {
			Name    string
			Payload *int
		}
		Fuel uint64
		Kept int
	}
	r.into(&value)
	to.TxID, to.Fuel, to.kept = value.TxID, value.Fuel, value.Kept
	to.Status, to.Message = value.Response.Status, value.Response.Message
	to.Payload = r.blob(value.Response.Payload)
	if value.Event != nil {
		to.Event = &Event{value.Event.Name, r.blob(value.Event.Payload)}
	}
	if value.Rwset == nil {
		return
	}
	to.Rwset = map[string]Rwset{}
	for name, set := range value.Rwset {
		rwset := Rwset{}
		for _, read := range set.Reads {
			rwset.Reads = append(rwset.Reads, read.Key)
		}
		for _, write := range set.Writes {
			rwset.Writes = append(rwset.Writes, Write{write.Key, r.blob(write.Value), write.IsDelete})
		}
		to.Rwset[name] = rwset
	}
}

func (r reader) submitted(to *Submitted) {
	var value struct {
		Endorsed json.RawMessage
		Block    uint64
		Code     string
		Reason   string
	}
	r.into(&value)
	reader{value.Endorsed, r.blobs}.endorsed(&to.Endorsed)
	to.Block, to.Code, to.Reason = value.Block, value.Code, value.Reason
}
