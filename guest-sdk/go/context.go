package step

import (
	"encoding/json"
	"time"

	"waystation/step/internal/host"
)

// RunInfo is which run of the step this is.
type RunInfo struct {
	// Runs is 1 on the first run of the step in this execution, one more each rerun.
	Runs uint32
	// Context is what the run before handed to [Rerun]; nil when it handed nothing.
	Context json.RawMessage
	// CallbackRequest is the HTTP request that called the resume link and so caused this run: an
	// object with method, path, url, query, headers, body and client_ip. Nil when there is none.
	CallbackRequest json.RawMessage
}

// CurrentRun tells which run this is.
func CurrentRun() RunInfo {
	run := current().Run()
	return RunInfo{run.Runs, raw(run.Context), raw(run.CallbackRequest)}
}

// Execution is what the host knows about this execution.
type Execution struct {
	ID              string
	Workflow        string
	WorkflowVersion uint32
	Step            string
	// TriggeredAt is when the execution was triggered.
	TriggeredAt time.Time
	// Deadline is when this run is cut off; the handler's context ends then.
	Deadline time.Time
	// Attempt is 1, one more each time the host repeats this run after an error or a crash.
	Attempt uint32
	// IdempotencyKey is the same for every attempt of one run: hand it to services that take one.
	IdempotencyKey string
	// Test says whether this is a test run.
	Test bool
}

// CurrentExecution tells about this execution.
func CurrentExecution() Execution {
	from := current().Execution()
	// The host writes RFC 3339; the zero time stands for anything else.
	triggered, _ := time.Parse(time.RFC3339, from.TriggeredAt)
	return Execution{
		ID:              from.ID,
		Workflow:        from.Workflow,
		WorkflowVersion: from.WorkflowVersion,
		Step:            from.Step,
		TriggeredAt:     triggered,
		Deadline:        time.UnixMilli(int64(min(from.DeadlineMS, deadlineMax))),
		Attempt:         from.Attempt,
		IdempotencyKey:  from.IdempotencyKey,
		Test:            from.Test,
	}
}

// Event reads the event that triggered the workflow into target, by encoding/json.
func Event(target any) error { return decode("the event", current().Event(), target) }

// Steps reads what the steps so far exported into target: an object of step name to an object of
// exports.
func Steps(target any) error { return decode("the earlier exports", current().Steps(), target) }

// current is the host of this run.
func current() host.Host {
	if host.Current == nil {
		panic("waystation/step was called outside of a step; in tests use waystation/step/steptest")
	}
	return host.Current
}

func raw(text *string) json.RawMessage {
	if text == nil {
		return nil
	}
	return json.RawMessage(*text)
}
