// Package host is the host as the library sees it: the real one, or one for tests.
package host

import "strings"

// Links reach a pause.
type Links struct {
	ResumeURL, CancelURL, ApprovalURL string
	Scheduled                         bool
}

// SuspendOptions are those of the WIT; nil is its default.
type SuspendOptions struct {
	TimeoutMS    *uint64
	OnTimeout    *uint8
	Message      *string
	ResumeSchema *string
}

// Run is which run this is.
type Run struct {
	Runs                     uint32
	Context, CallbackRequest *string
}

// Execution is what does not change from run to run.
type Execution struct {
	ID, Workflow    string
	WorkflowVersion uint32
	Step            string
	TriggeredAt     string
	DeadlineMS      uint64
	Attempt         uint32
	IdempotencyKey  string
	Test            bool
}

// Response is an answer to the trigger's caller.
type Response struct {
	Status  uint16
	Headers [][2]string
	Body    []byte
}

// Mail is a mail.
type Mail struct {
	To         []string
	Subject    string
	Text, HTML *string
}

// Host has the functions of the WIT; JSON is text.
type Host interface {
	Suspend(SuspendOptions) (Links, error)
	Rerun(delayMS uint64, context *string, maxRetries *uint32) (Links, error)
	Delay(delayMS uint64) (Links, error)
	Withdraw()
	Exit(reason *string)
	Run() Run
	Execution() Execution
	Event() string
	Steps() string
	Export(name, value string) error
	Respond(Response) error
	SendEmail(Mail) error
}

// Current is the host of this run. Nil outside of one.
var Current Host

// Error is the host's refusal of a call.
type Error struct {
	// Code is the case of the WIT's error, such as "invalid-argument".
	Code string
	// Message says what was wrong and what is allowed.
	Message string
}

func (e *Error) Error() string { return e.Message }

// Text is s as it can cross: UTF-8.
func Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
