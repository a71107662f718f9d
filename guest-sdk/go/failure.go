package step

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"waystation/step/internal/entry"
	"waystation/step/internal/host"
)

// HostError is the host's refusal of a call, such as a delay of 0 ms.
type HostError = host.Error

// Permanent is err, and says that trying again would be in vain: the step's retry policy does not
// apply. An error with a method `Retryable() bool` says so itself.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Retryable implements what [Permanent] describes.
func (permanent) Retryable() bool { return false }

// failureOf is err as the host records it. Its name is that of the first type in the chain of
// errors that is more than text around another.
func failureOf(err error) *entry.Failure {
	failure := &entry.Failure{
		Name: className(err), Message: host.Text(err.Error()), Retryable: true,
	}
	var says interface{ Retryable() bool }
	if errors.As(err, &says) {
		failure.Retryable = says.Retryable()
	}
	if causes := causesOf(err); len(causes) > 0 {
		lines := []string{failure.Name + ": " + failure.Message}
		for _, cause := range causes {
			lines = append(lines, fmt.Sprintf("caused by %s: %s", className(cause), cause))
		}
		stack := host.Text(strings.Join(lines, "\n"))
		failure.Stack = &stack
	}
	return failure
}

// causesOf are the errors that err wraps, the nearest first, without those that say the same.
func causesOf(err error) []error {
	var causes []error
	for said := err.Error(); ; {
		err = errors.Unwrap(err)
		if err == nil {
			return causes
		}
		if err.Error() != said {
			causes = append(causes, err)
			said = err.Error()
		}
	}
}

// className is `OutOfStock` for a type of the step's own, `url.Error` for one of another package,
// and `Error` for text.
func className(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		kind := reflect.TypeOf(err)
		for kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch name := kind.String(); name {
		case "errors.errorString", "errors.joinError", "fmt.wrapError", "fmt.wrapErrors", "step.permanent":
			continue
		case "host.Error":
			return "HostError"
		default:
			return strings.TrimPrefix(name, "main.")
		}
	}
	return "Error"
}

// panicked is a panic as the host records it, with the stack up to the handler.
func panicked(value any) *entry.Failure {
	failure := &entry.Failure{Name: "panic", Message: host.Text(fmt.Sprint(value)), Retryable: true}
	if err, ok := value.(error); ok {
		failure = failureOf(err)
	}
	stack := host.Text(fmt.Sprintf("%s: %s\n%s", failure.Name, failure.Message, frames()))
	failure.Stack = &stack
	return failure
}

// framesMax is more than people read.
const framesMax = 64

// frames is the stack of the panic under way, innermost first: from where it was raised to where
// this package called the handler.
func frames() string {
	counters := make([]uintptr, framesMax)
	stack := runtime.CallersFrames(counters[:runtime.Callers(2, counters)])
	var lines strings.Builder
	raised := false
	for more := true; more; {
		var frame runtime.Frame
		frame, more = stack.Next()
		if strings.HasPrefix(frame.Function, "waystation/step.invoke[") && raised {
			break
		}
		// What Go does to raise a panic stands before the place it was raised at.
		if raised && !strings.HasPrefix(frame.Function, "runtime.") {
			fmt.Fprintf(&lines, "  at %s (%s:%d)\n", frame.Function, frame.File, frame.Line)
		}
		raised = raised || frame.Function == "runtime.gopanic"
	}
	return strings.TrimSuffix(lines.String(), "\n")
}
