// Package steptest runs a step's handler in a plain Go test, without a host.
//
//	host := steptest.Host{Runs: 2, Context: map[string]int{"n": 1}}
//	result, err := steptest.Call(&host, handle, Props{URL: server.URL})
//	// host.Asked is what the handler asked for, such as {Call: "rerun", DelayMS: 10000}
package steptest

import (
	"context"
	"encoding/json"
	"fmt"

	"waystation/step/internal/host"
)

// Host is what the handler sees, and after it what it asked for. One is good for one call.
type Host struct {
	// Runs is which run it is; zero stands for 1.
	Runs uint32
	// Context, CallbackRequest, Event and Steps are written by encoding/json; nil is none.
	Context, CallbackRequest, Event any
	Steps                           map[string]map[string]any
	// Attempt of the run; zero stands for 1.
	Attempt uint32
	Test    bool

	// Asked is the flow call that stands; nil when none was made, or it was withdrawn.
	Asked *Asked
	// Exited says that the workflow is to end; ExitReason why.
	Exited     bool
	ExitReason string
	// Exports are the values as JSON.
	Exports map[string]json.RawMessage
	Mails   []Mail
	// Response is the answer to the trigger's caller, if any.
	Response *Response
}

// Asked is a flow call with its arguments; those that were not given are nil.
type Asked struct {
	// Call is "suspend", "rerun" or "delay".
	Call         string
	DelayMS      uint64
	TimeoutMS    *uint64
	OnTimeout    *uint8
	Message      *string
	ResumeSchema json.RawMessage
	Context      json.RawMessage
	MaxRetries   *uint32
}

// Mail is a mail that was handed over.
type Mail = host.Mail

// Response is an answer that was handed over.
type Response = host.Response

// retriesDefault is how many reruns there may be unless the step says so.
const retriesDefault = 10

// Call calls handler with h as its host. Not for parallel tests: a step has one host.
func Call[P, R any](
	h *Host, handler func(context.Context, P) (R, error), props P,
) (R, error) {
	before := host.Current
	host.Current = fake{h}
	defer func() { host.Current = before }()
	return handler(context.Background(), props)
}

// fake is a Host as the library calls it.
type fake struct{ *Host }

func (f fake) Run() host.Run {
	return host.Run{
		Runs: max(f.Runs, 1), Context: written(f.Context), CallbackRequest: written(f.CallbackRequest),
	}
}

func (f fake) Execution() host.Execution {
	return host.Execution{
		ID:              "01890a5d-ac96-774b-bcce-b302099a8057",
		Workflow:        "test",
		WorkflowVersion: 1,
		Step:            "step",
		TriggeredAt:     "2026-01-01T00:00:00Z",
		DeadlineMS:      1 << 53,
		Attempt:         max(f.Attempt, 1),
		IdempotencyKey:  fmt.Sprintf("test/step/%d", max(f.Runs, 1)),
		Test:            f.Test,
	}
}

func (f fake) Event() string { return text(f.Host.Event) }

func (f fake) Steps() string {
	if f.Host.Steps == nil {
		return "{}"
	}
	return text(f.Host.Steps)
}

func (f fake) Suspend(o host.SuspendOptions) (host.Links, error) {
	return f.pause(Asked{
		Call: "suspend", TimeoutMS: o.TimeoutMS, OnTimeout: o.OnTimeout, Message: o.Message,
		ResumeSchema: raw(o.ResumeSchema),
	})
}

func (f fake) Rerun(delayMS uint64, context *string, maxRetries *uint32) (host.Links, error) {
	if delayMS == 0 {
		return host.Links{}, &host.Error{Code: "invalid-argument", Message: "delay-ms: 0 ms"}
	}
	most := uint32(retriesDefault)
	if maxRetries != nil {
		most = *maxRetries
	}
	if max(f.Runs, 1) > most {
		return links(false), nil
	}
	return f.pause(Asked{
		Call: "rerun", DelayMS: delayMS, Context: raw(context), MaxRetries: maxRetries,
	})
}

func (f fake) Delay(delayMS uint64) (host.Links, error) {
	return f.pause(Asked{Call: "delay", DelayMS: delayMS})
}

func (f fake) Withdraw() { f.Asked, f.Exited, f.ExitReason = nil, false, "" }

func (f fake) Exit(reason *string) {
	f.Exited = true
	if reason != nil {
		f.ExitReason = *reason
	}
}

func (f fake) Export(name, value string) error {
	if f.Exports == nil {
		f.Exports = map[string]json.RawMessage{}
	}
	f.Exports[name] = json.RawMessage(value)
	return nil
}

func (f fake) Respond(response host.Response) error {
	if f.Response != nil {
		return &host.Error{Code: "nobody-waits", Message: "the caller was answered already"}
	}
	f.Response = &response
	return nil
}

func (f fake) SendEmail(mail host.Mail) error {
	f.Mails = append(f.Mails, mail)
	return nil
}

func (f fake) pause(asked Asked) (host.Links, error) {
	f.Asked = &asked
	return links(true), nil
}

func links(scheduled bool) host.Links {
	return host.Links{
		ResumeURL:   "http://localhost/resume/token",
		CancelURL:   "http://localhost/cancel/token",
		ApprovalURL: "http://localhost/approve/token",
		Scheduled:   scheduled,
	}
}

// text is value as JSON. A value that is none is a mistake of the test.
func text(value any) string {
	written, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(written)
}

func written(value any) *string {
	if value == nil {
		return nil
	}
	text := text(value)
	return &text
}

func raw(text *string) json.RawMessage {
	if text == nil {
		return nil
	}
	return json.RawMessage(*text)
}
