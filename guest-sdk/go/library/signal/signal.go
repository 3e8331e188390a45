// Package signal replaces os/signal in a component, which never receives signals. Go's own package watches for signals
// in a goroutine that never blocks: a transaction that waits for ever would use up its fuel instead of being refused.
package signal

import (
	"context"
	"os"
)

// The ignored signals: none, some, or all but some.
var (
	ignored     = map[os.Signal]bool{}
	ignoresRest bool
)

// Notify does nothing: no signal arrives.
func Notify(c chan<- os.Signal, sig ...os.Signal) {
	if c == nil {
		panic("os/signal: Notify using nil channel")
	}
	ignore(false, sig)
}

// NotifyContext returns a context that ends with its parent or when stop is called.
func NotifyContext(parent context.Context, signals ...os.Signal) (ctx context.Context, stop context.CancelFunc) {
	ignore(false, signals)
	return context.WithCancel(parent)
}

// Stop does nothing: no signal is ever sent.
func Stop(c chan<- os.Signal) {}

// Ignore records the signals for Ignored.
func Ignore(sig ...os.Signal) { ignore(true, sig) }

// Ignored reports whether Ignore was called for the signal.
func Ignored(sig os.Signal) bool {
	is, isKnown := ignored[sig]
	return is || !isKnown && ignoresRest
}

// Reset does nothing: Notify has no effect.
func Reset(sig ...os.Signal) {}

func ignore(is bool, signals []os.Signal) {
	if len(signals) == 0 {
		ignored, ignoresRest = map[os.Signal]bool{}, is
	}
	for _, signal := range signals {
		ignored[signal] = is
	}
}
