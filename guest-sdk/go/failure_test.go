package step

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"waystation/step/internal/host"
)

type OutOfStock struct{ item string }

func (e *OutOfStock) Error() string { return "no " + e.item }

// alone is a host that knows the execution and nothing else.
type alone struct{ host.Host }

func (alone) Execution() host.Execution { return host.Execution{DeadlineMS: deadlineMax} }

func TestAnErrorBecomesAFailureWithItsTypeAndCauses(t *testing.T) {
	for _, c := range []struct {
		err       error
		name      string
		stack     string
		retryable bool
	}{
		{errors.New("x"), "Error", "", true},
		{&OutOfStock{"tea"}, "step.OutOfStock", "", true},
		{fmt.Errorf("order 7: %w", &OutOfStock{"tea"}), "step.OutOfStock",
			"step.OutOfStock: order 7: no tea\ncaused by step.OutOfStock: no tea", true},
		{Permanent(&OutOfStock{"tea"}), "step.OutOfStock", "", false},
		{fmt.Errorf("order: %w", Permanent(errors.New("x"))), "Error",
			"Error: order: x\ncaused by Error: x", false},
		{&HostError{Code: "invalid-argument", Message: "0 ms"}, "HostError", "", true},
	} {
		failure := failureOf(c.err)
		stack := ""
		if failure.Stack != nil {
			stack = *failure.Stack
		}
		if failure.Name != c.name || stack != c.stack || failure.Retryable != c.retryable {
			t.Errorf("%v: %+v, stack %q", c.err, failure, stack)
		}
	}
	if Permanent(nil) != nil {
		t.Error("no error stays none")
	}
}

func broken(context.Context, any) (any, error) {
	var items []int
	return items[len(items)], nil
}

func TestAPanicIsAFailureWithItsStack(t *testing.T) {
	host.Current = alone{}
	defer func() { host.Current = nil }()
	_, failure := invoke(broken, "{}")
	if failure == nil || failure.Name != "runtime.boundsError" || !failure.Retryable {
		t.Fatalf("failure %+v", failure)
	}
	if !strings.Contains(*failure.Stack, "broken (") || strings.Contains(*failure.Stack, "invoke") {
		t.Errorf("stack %s", *failure.Stack)
	}
	_, failure = invoke(func(context.Context, any) (any, error) { panic("gone") }, "{}")
	if failure.Name != "panic" || failure.Message != "gone" {
		t.Errorf("failure %+v", failure)
	}
}

func TestPropsAndReturnValueAreJSON(t *testing.T) {
	host.Current = alone{}
	defer func() { host.Current = nil }()
	type props struct{ N int }
	double := func(_ context.Context, p props) (*int, error) {
		if p.N == 0 {
			return nil, nil
		}
		n := 2 * p.N
		return &n, nil
	}
	if result, failure := invoke(double, `{"n": 21}`); failure != nil || *result != "42" {
		t.Errorf("result %v, failure %+v", result, failure)
	}
	if result, failure := invoke(double, `{}`); failure != nil || result != nil {
		t.Errorf("no value: result %v, failure %+v", result, failure)
	}
	_, failure := invoke(double, `{"n": "x"}`)
	if failure == nil || failure.Retryable || !strings.Contains(failure.Message, "the props") {
		t.Errorf("failure %+v", failure)
	}
	_, failure = invoke(func(context.Context, any) (any, error) { return func() {}, nil }, `{}`)
	if failure == nil || !strings.Contains(failure.Message, "the return value") {
		t.Errorf("failure %+v", failure)
	}
}
