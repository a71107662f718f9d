//go:build wasip1

package stephttp

import (
	"context"
	"runtime"
	"time"

	"waystation/step/internal/bindings/imports/wasi_clocks_monotonic_clock"
	"waystation/step/internal/bindings/imports/wasi_io_poll"
)

// A component has one thread, and while it waits in the host no goroutine runs. So whoever waits
// first lets the others go on, then waits for all that wait, and looks again.

// sliceMax is how long goroutines that are about something else may have to wait.
const sliceMax = 10 * time.Millisecond

var waiting = map[*wasi_io_poll.Pollable]struct{}{}

// wait returns when the pollable is ready or the context has ended.
func wait(ctx context.Context, pollable *wasi_io_poll.Pollable) error {
	waiting[pollable] = struct{}{}
	defer delete(waiting, pollable)
	for !pollable.Ready() {
		runtime.Gosched()
		if err := ctx.Err(); err != nil {
			return err
		}
		if !pollable.Ready() {
			pollAll(ctx)
		}
	}
	return nil
}

// pollAll waits until any of those that are waited for is ready, a slice of time at most.
func pollAll(ctx context.Context) {
	slice := sliceMax
	if deadline, ok := ctx.Deadline(); ok {
		slice = min(slice, max(time.Until(deadline), time.Millisecond))
	}
	timer := wasi_clocks_monotonic_clock.SubscribeDuration(uint64(slice))
	all := []*wasi_io_poll.Pollable{timer}
	for pollable := range waiting {
		all = append(all, pollable)
	}
	wasi_io_poll.Poll(all)
	timer.Drop()
}
