package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"sync"
)

// The version of the pipe's protocol.
const protocol = 1

const install = "install it: `cargo install wasmcc-cli`, or `cargo install --path host/cli` in a checkout of wasmcc"

// The process of `wasmcc sandbox` that all sandboxes of a test program share. It ends with the program, which closes
// its standard input. A message is a line of JSON, followed by bytes that the JSON refers to; its member blobs has the
// lengths of the pieces.
type link struct {
	turn sync.Mutex
	last int
	to   io.Writer
	from *bufio.Reader
}

// Returns a command of the program: WASMCC, or wasmcc in PATH.
func command(args ...string) *exec.Cmd {
	name := os.Getenv("WASMCC")
	if name == "" {
		name = "wasmcc"
	}
	return exec.Command(name, args...)
}

func start() (*link, error) {
	sandbox := command("sandbox")
	sandbox.Stderr = os.Stderr
	to, err := sandbox.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := sandbox.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := sandbox.Start(); err != nil {
		return nil, fmt.Errorf("the program wasmcc cannot be run: %w; %s, or set WASMCC to its path", err, install)
	}
	link := &link{to: to, from: bufio.NewReader(from)}
	var greeting struct {
		Wasmcc  *string
		Sandbox *int
	}
	line, _, err := link.receive()
	if err == nil {
		err = json.Unmarshal(line, &greeting)
	}
	if err != nil || greeting.Wasmcc == nil || greeting.Sandbox == nil {
		return nil, fmt.Errorf("%s does not answer `wasmcc sandbox`; see its output above, if any; %s", sandbox.Path, install)
	}
	if *greeting.Sandbox != protocol {
		return nil, fmt.Errorf("%s %s does not fit: the sandbox protocols are %d and %d: use the module wasmcc/sandbox of the same version",
			sandbox.Path, *greeting.Wasmcc, *greeting.Sandbox, protocol)
	}
	return link, nil
}

// Returns the output of a program that failed.
func words(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return "\n" + string(exit.Stderr)
	}
	return ""
}

func (l *link) next() int {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.last++
	return l.last
}

// Sends a request and waits for the answer.
func (l *link) ask(verb string, sandbox int, members map[string]any, blobs [][]byte) (json.RawMessage, [][]byte, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	if err := l.send(verb, sandbox, members, blobs); err != nil {
		return nil, nil, ended(err)
	}
	line, answered, err := l.receive()
	if err != nil {
		return nil, nil, ended(err)
	}
	var answer struct {
		Ok    json.RawMessage
		Error *Error
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, nil, err
	}
	if answer.Error != nil {
		return nil, nil, answer.Error
	}
	return answer.Ok, answered, nil
}

// Sends a request that has no answer.
func (l *link) tell(verb string, sandbox int) {
	l.turn.Lock()
	defer l.turn.Unlock()
	_ = l.send(verb, sandbox, nil, nil)
}

func ended(err error) error {
	return &Error{Kind: "program", Text: "the program wasmcc has ended, see its output above: " + err.Error()}
}

func (l *link) send(verb string, sandbox int, members map[string]any, blobs [][]byte) error {
	l.last++
	lengths := []int{}
	for _, blob := range blobs {
		lengths = append(lengths, len(blob))
	}
	message := map[string]any{"id": l.last, "do": verb, "sandbox": sandbox, "blobs": lengths}
	maps.Copy(message, members)
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	_, err = l.to.Write(append(line, bytes.Join(blobs, nil)...))
	return err
}

func (l *link) receive() ([]byte, [][]byte, error) {
	line, err := l.from.ReadBytes('\n')
	if err != nil {
		return nil, nil, err
	}
	var head struct{ Blobs []int }
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, nil, err
	}
	var blobs [][]byte
	for _, length := range head.Blobs {
		blob := make([]byte, length)
		if _, err := io.ReadFull(l.from, blob); err != nil {
			return nil, nil, err
		}
		blobs = append(blobs, blob)
	}
	return line, blobs, nil
}
