package signal

import (
	"context"
	"os"
	"syscall"
	"testing"
)

func TestWhatIsIgnoredIsKnown(t *testing.T) {
	check := func(interrupt, terminate bool) {
		t.Helper()
		if Ignored(os.Interrupt) != interrupt || Ignored(syscall.SIGTERM) != terminate {
			t.Errorf("%v %v", Ignored(os.Interrupt), Ignored(syscall.SIGTERM))
		}
	}
	told := make(chan os.Signal, 1)
	check(false, false)
	Ignore(os.Interrupt)
	check(true, false)
	Ignore()
	check(true, true)
	Notify(told, os.Interrupt)
	check(false, true)
	Notify(told)
	check(false, false)
	Stop(told)
	Reset()
}

func TestAContextEndsByStopAndWithItsParent(t *testing.T) {
	ctx, stop := NotifyContext(context.Background(), os.Interrupt)
	if ctx.Err() != nil {
		t.Error(ctx.Err())
	}
	stop()
	if ctx.Err() != context.Canceled {
		t.Error(ctx.Err())
	}
	parent, cancel := context.WithCancel(context.Background())
	ctx, stop = NotifyContext(parent)
	defer stop()
	cancel()
	<-ctx.Done()
}
