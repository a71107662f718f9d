// Package step is for steps of Waystation workflows in Go.
//
//	package main
//
//	import (
//		"context"
//		"encoding/json"
//		"net/http"
//		"time"
//
//		"waystation/step"
//	)
//
//	type Props struct{ URL string }
//
//	type Job struct{ Status string }
//
//	func main() { step.Run(handle) }
//
//	func handle(ctx context.Context, props Props) (*Job, error) {
//		if step.CurrentRun().Runs > 1 {
//			answer, err := http.Get(props.URL)
//			if err != nil {
//				return nil, err
//			}
//			defer answer.Body.Close()
//			var job Job
//			if err := json.NewDecoder(answer.Body).Decode(&job); err != nil || job.Status == "DONE" {
//				return &job, err // becomes the export $return_value
//			}
//		}
//		_, err := step.Rerun(10*time.Second, step.MaxRetries(3)) // again in 10 s, three times at most
//		return nil, err
//	}
//
// `waystation build` makes the component. What the step prints is the run's log.
package step

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"waystation/step/internal/entry"
	"waystation/step/internal/host"
)

// Run makes handler the step. Call it in main, last.
//
// The props are read into P by encoding/json. What handler returns becomes the export
// $return_value; what is `null` as JSON is no value. An error fails the run: see [Permanent].
// So does a panic. The context ends when the host would cut the run off.
func Run[P, R any](handler func(ctx context.Context, props P) (R, error)) {
	register(func(props string) (*string, *entry.Failure) {
		return invoke(handler, props)
	})
}

// deadlineMax is the last deadline that is one: in the year 9999. A host without a limit says a
// later one.
const deadlineMax = 253_402_300_800_000

// invoke runs handler on props. Its name is where a panic's stack ends.
func invoke[P, R any](
	handler func(context.Context, P) (R, error), text string,
) (result *string, failure *entry.Failure) {
	defer func() {
		if value := recover(); value != nil {
			result, failure = nil, panicked(value)
		}
	}()
	var props P
	if err := json.Unmarshal([]byte(text), &props); err != nil {
		return nil, failureOf(Permanent(fmt.Errorf("the props: %w", err)))
	}
	ctx := context.Background()
	if ms := host.Current.Execution().DeadlineMS; ms < deadlineMax {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, time.UnixMilli(int64(ms)))
		defer cancel()
	}
	returned, err := handler(ctx, props)
	if err != nil {
		return nil, failureOf(err)
	}
	written, err := encode(returned)
	if err != nil {
		return nil, failureOf(Permanent(fmt.Errorf("the return value: %w", err)))
	}
	if written == "null" {
		return nil, nil
	}
	return &written, nil
}
