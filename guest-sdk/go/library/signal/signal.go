// Package signal stands for os/signal in a component, where no signal ever comes. Go's own watches
// for them in a goroutine that never rests: a transaction that waits would use up its fuel, in
// place of being refused.
package signal

import (
	"context"
	"os"
)

// What is ignored: nothing, some signals, or all but some.
var (
	ignored     = map[os.Signal]bool{}
	ignoresRest bool
)

// Notify sends nothing: no signal comes.
func Notify(c chan<- os.Signal, sig ...os.Signal) {
	if c == nil {
		panic("os/signal: Notify using nil channel")
	}
	ignore(false, sig)
}

// NotifyContext returns a context that ends with its parent, or by stop.
func NotifyContext(parent context.Context, signals ...os.Signal) (ctx context.Context, stop context.CancelFunc) {
	ignore(false, signals)
	return context.WithCancel(parent)
}

// Stop has nothing to stop.
func Stop(c chan<- os.Signal) {}

// Ignore keeps what is ignored, for Ignored.
func Ignore(sig ...os.Signal) { ignore(true, sig) }

// Ignored tells whether Ignore was called for the signal.
func Ignored(sig os.Signal) bool {
	is, isKnown := ignored[sig]
	return is || !isKnown && ignoresRest
}

// Reset has nothing to undo.
func Reset(sig ...os.Signal) {}

func ignore(is bool, signals []os.Signal) {
	if len(signals) == 0 {
		ignored, ignoresRest = map[os.Signal]bool{}, is
	}
	for _, signal := range signals {
		ignored[signal] = is
	}
}
