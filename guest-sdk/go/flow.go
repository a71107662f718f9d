package step

import (
	"fmt"
	"time"

	"waystation/step/internal/host"
)

// No flow call stops the step: the code after it still runs, and the host acts when the handler
// returns. If the handler fails, what was asked for is dropped. Of several calls in one run the
// last one stands.

// Links are where an outside person or service reaches a pause. They work at once, also before
// the step has ended.
type Links struct {
	// ResumeURL resumes the workflow, or reruns the step.
	ResumeURL string `json:"resume_url"`
	// CancelURL cancels the execution.
	CancelURL string `json:"cancel_url"`
	// ApprovalURL is a page for people: it shows what waits, and asks before it acts.
	ApprovalURL string `json:"approval_url"`
	// Scheduled is false when a rerun asks for more runs than it allows: nothing is scheduled.
	Scheduled bool `json:"scheduled"`
}

// OnTimeout is what happens when nobody answers a suspend in time.
type OnTimeout uint8

// What can happen. The default is the host's, [Resume] unless it is configured otherwise.
const (
	Resume OnTimeout = iota
	Cancel
	Fail
)

// SuspendOption is [Timeout], [WhenTimedOut], [Message] or [ResumeSchema].
type SuspendOption func(*host.SuspendOptions) error

// Timeout bounds the pause: 1 ms to 365 days, 24 hours by default.
func Timeout(timeout time.Duration) SuspendOption {
	return func(o *host.SuspendOptions) error {
		ms, err := milliseconds("timeout", timeout)
		o.TimeoutMS = &ms
		return err
	}
}

// WhenTimedOut says what happens when nobody answers in time.
func WhenTimedOut(what OnTimeout) SuspendOption {
	return func(o *host.SuspendOptions) error {
		if what > Fail {
			return refused("on-timeout: Resume, Cancel or Fail is expected, not %d", what)
		}
		o.OnTimeout = (*uint8)(&what)
		return nil
	}
}

// Message is a line of text for the approval page and the list of what waits.
func Message(message string) SuspendOption {
	return func(o *host.SuspendOptions) error {
		o.Message = &message
		return nil
	}
}

// ResumeSchema is a JSON Schema, as a value that encoding/json writes, which the resuming
// request's body must satisfy.
func ResumeSchema(schema any) SuspendOption {
	return func(o *host.SuspendOptions) error {
		text, err := encode(schema)
		o.ResumeSchema = &text
		return err
	}
}

// Suspend pauses the workflow after this step until the resume link is called or the time is
// over.
func Suspend(options ...SuspendOption) (Links, error) {
	var all host.SuspendOptions
	for _, option := range options {
		if err := option(&all); err != nil {
			return Links{}, err
		}
	}
	return links(current().Suspend(all))
}

type rerun struct {
	context    *string
	maxRetries *uint32
}

// RerunOption is [Context] or [MaxRetries].
type RerunOption func(*rerun) error

// Context hands a value to the next run, which finds it in [CurrentRun].
func Context(value any) RerunOption {
	return func(r *rerun) error {
		text, err := encode(value)
		if err == nil && text != "null" {
			r.context = &text
		}
		return err
	}
}

// MaxRetries is how many reruns of the step there are at most in one execution: 10 by default. A
// call past it schedules nothing, and the links say so.
func MaxRetries(most uint32) RerunOption {
	return func(r *rerun) error {
		r.maxRetries = &most
		return nil
	}
}

// Rerun runs this step again after delay (1 ms to 365 days), or as soon as the resume link is
// called.
func Rerun(delay time.Duration, options ...RerunOption) (Links, error) {
	var all rerun
	for _, option := range options {
		if err := option(&all); err != nil {
			return Links{}, err
		}
	}
	ms, err := milliseconds("delay", delay)
	if err != nil {
		return Links{}, err
	}
	return links(current().Rerun(ms, all.context, all.maxRetries))
}

// Delay pauses for a time (1 ms to 365 days), then goes on. The resume link ends the wait early.
func Delay(delay time.Duration) (Links, error) {
	ms, err := milliseconds("delay", delay)
	if err != nil {
		return Links{}, err
	}
	return links(current().Delay(ms))
}

// Withdraw takes back what this run asked for: no pause, no rerun, no exit.
func Withdraw() { current().Withdraw() }

// Exit ends the workflow, successfully, when the handler returns. An empty reason is none.
func Exit(reason string) {
	if reason == "" {
		current().Exit(nil)
		return
	}
	current().Exit(&reason)
}

func links(from host.Links, err error) (Links, error) {
	return Links(from), err
}

// milliseconds rounds up: a wait is never shorter than was asked for.
func milliseconds(name string, d time.Duration) (uint64, error) {
	if d < 0 {
		return 0, refused("%s: 1 ms to 365 days are allowed, not %s", name, d)
	}
	return uint64((d + time.Millisecond - 1) / time.Millisecond), nil
}

func refused(format string, args ...any) error {
	return &HostError{Code: "invalid-argument", Message: fmt.Sprintf(format, args...)}
}
