// Package sandbox tests a contract on a complete peer, from deployment to commit. The peer is the program wasmcc, found
// by the variable WASMCC or in PATH. `wasmcc test` sets these variables.
package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// Channel is the channel of every sandbox.
const Channel = "mychannel"

// Options are the settings of a sandbox.
type Options struct {
	// The number of organizations on the channel: Org1MSP, Org2MSP and so on; 0 means 1. Each has the users User1 and
	// User2.
	Orgs int
	// The organizations that have a peer; nil means the first one.
	Peers []string
	// The time limit of a transaction; 0 means the default.
	Timeout time.Duration
}

// Deployment has the options of a deployment.
type Deployment struct {
	// The private data collections, as in Fabric's collections_config.json.
	Collections string
	// The texts of index files.
	Indexes []string
	// The endorsement policy.
	Policy string
}

// Call is a call of a chaincode.
type Call struct {
	Chaincode string
	// The function and its arguments.
	Args []string
	// The transient data, which only endorsers see.
	Transient map[string][]byte
	// The caller: the organization's MSP id ("" is the first one), and the user ("" is User1).
	Org, User string
	// The client's time; the zero time means now.
	Time time.Time
}

// Sandbox is one or more peers in memory, with one channel.
type Sandbox struct {
	link   *link
	number int
}

// Starts the program once for all tests.
var started = sync.OnceValues(start)

// New starts a sandbox, which ends with the test.
func New(t testing.TB, options Options) *Sandbox {
	t.Helper()
	link, err := started()
	if err != nil {
		t.Fatal(err)
	}
	sandbox := &Sandbox{link: link, number: link.next()}
	if err := sandbox.ask("new", setup(options), nil, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.tell("end", sandbox.number) })
	return sandbox
}

func setup(options Options) map[string]any {
	type org struct {
		MSPID  string   `json:"msp_id"`
		Domain string   `json:"domain"`
		Users  []string `json:"users"`
	}
	orgs := []org{}
	for i := 1; i <= max(options.Orgs, 1); i++ {
		domain := fmt.Sprintf("org%d.example.com", i)
		orgs = append(orgs, org{fmt.Sprintf("Org%dMSP", i), domain, []string{"User1", "User2"}})
	}
	orderer := map[string]string{"msp_id": "OrdererMSP", "domain": "example.com"}
	request := map[string]any{
		"network":            map[string]any{"orgs": orgs, "orderer": orderer},
		"orgs":               append([]string{}, options.Peers...),
		"limits":             nil,
		"execute_timeout_ms": nil,
	}
	if options.Timeout > 0 {
		request["execute_timeout_ms"] = options.Timeout.Milliseconds()
	}
	return request
}

// Deploy deploys a component on the channel.
func (s *Sandbox) Deploy(name string, component []byte, options Deployment) error {
	request := map[string]any{"name": name, "component": 0}
	if options.Collections != "" {
		request["collections"] = options.Collections
	}
	if options.Indexes != nil {
		request["indexes"] = options.Indexes
	}
	if options.Policy != "" {
		request["policy"] = options.Policy
	}
	return s.ask("deploy", request, [][]byte{component}, nil)
}

// Evaluate returns the answer of a call without committing it. An error status is an *Error.
func (s *Sandbox) Evaluate(call Call) (*Endorsed, error) {
	return s.endorsed("evaluate", call)
}

// Endorse endorses a call for Commit; an error status is not an error.
func (s *Sandbox) Endorse(call Call) (*Endorsed, error) { return s.endorsed("endorse", call) }

// AssertDeterministic works like Endorse in several runs, with other random numbers, clocks and memory. The first
// difference is an *Error.
func (s *Sandbox) AssertDeterministic(call Call) (*Endorsed, error) {
	return s.endorsed("assert_deterministic", call)
}

// Submit endorses, orders and commits a call. A refused or invalid transaction is an *Error.
func (s *Sandbox) Submit(call Call) (*Submitted, error) {
	answer := &Submitted{}
	return answer, s.call("submit", call, func(read reader) { read.submitted(answer) })
}

// Commit commits endorsements in one block, in this order, and returns the outcome of each.
func (s *Sandbox) Commit(endorsed ...*Endorsed) ([]*Submitted, error) {
	kept := []int{}
	for _, one := range endorsed {
		kept = append(kept, one.kept)
	}
	var all []*Submitted
	err := s.ask("commit", map[string]any{"endorsed": kept}, nil, func(read reader) {
		for _, one := range read.list() {
			submitted := &Submitted{}
			one.submitted(submitted)
			all = append(all, submitted)
		}
	})
	return all, err
}

// Height returns the number of blocks of the channel.
func (s *Sandbox) Height() (height int, err error) {
	err = s.ask("height", nil, nil, func(read reader) { read.into(&height) })
	return height, err
}

// GetState returns the value of a key in a chaincode's namespace; nil if it does not exist.
func (s *Sandbox) GetState(chaincode, key string) (value []byte, err error) {
	request := map[string]any{"name": chaincode, "key": key}
	err = s.ask("get_state", request, nil, func(read reader) { value = read.bytes() })
	return value, err
}

func (s *Sandbox) endorsed(verb string, call Call) (*Endorsed, error) {
	answer := &Endorsed{}
	return answer, s.call(verb, call, func(read reader) { read.endorsed(answer) })
}

func (s *Sandbox) call(verb string, call Call, read func(reader)) error {
	blobs := [][]byte{}
	add := func(value []byte) int {
		blobs = append(blobs, value)
		return len(blobs) - 1
	}
	args := []int{}
	for _, arg := range call.Args {
		args = append(args, add([]byte(arg)))
	}
	transient := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(call.Transient)) {
		transient[name] = add(call.Transient[name])
	}
	request := map[string]any{
		"chaincode": call.Chaincode, "args": args, "transient": transient, "user": "User1",
		"org": nil, "timestamp": nil, "nonce": nil,
	}
	if call.User != "" {
		request["user"] = call.User
	}
	if call.Org != "" {
		request["org"] = call.Org
	}
	if !call.Time.IsZero() {
		request["timestamp"] = []int64{call.Time.Unix(), int64(call.Time.Nanosecond())}
	}
	whole := map[string]any{"call": request}
	// Set by `wasmcc test --twice`.
	if os.Getenv("WASMCC_TWICE") != "" {
		if err := s.ask("assert_deterministic", whole, blobs, nil); err != nil {
			return err
		}
	}
	return s.ask(verb, whole, blobs, read)
}

func (s *Sandbox) ask(verb string, request map[string]any, blobs [][]byte, read func(reader)) error {
	json, blobs, err := s.link.ask(verb, s.number, request, blobs)
	if err == nil && read != nil {
		read(reader{json, blobs})
	}
	return err
}

// Component returns the component of the contract in the test's folder. `wasmcc test` has built it; otherwise `wasmcc
// build` builds it now.
func Component(t testing.TB) []byte {
	t.Helper()
	component, err := component()
	if err != nil {
		t.Fatal(err)
	}
	return component
}

var component = sync.OnceValues(func() ([]byte, error) {
	if built := os.Getenv("WASMCC_COMPONENT"); built != "" {
		return os.ReadFile(built)
	}
	output, err := command("build", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot build the component: %w%s", err, words(err))
	}
	var built struct{ Path string }
	if err := json.Unmarshal(output, &built); err != nil {
		return nil, fmt.Errorf("wasmcc build says %q: %w", output, err)
	}
	return os.ReadFile(built.Path)
})
