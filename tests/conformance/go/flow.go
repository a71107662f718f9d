package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"waystation/step"
)

func suspend(context.Context, Props) (any, error) {
	return step.Suspend()
}

func timeout(_ context.Context, props Props) (any, error) {
	_, err := step.Suspend(step.Timeout(props.duration()))
	return "suspended", err
}

func approval(_ context.Context, props Props) (any, error) {
	_, err := step.Suspend(
		step.Timeout(time.Minute),
		step.WhenTimedOut(step.Cancel),
		step.Message(props.Message),
		step.ResumeSchema(props.Schema),
	)
	return "asked", err
}

func rerun(_ context.Context, props Props) (any, error) {
	run := step.CurrentRun()
	if run.Runs == 3 {
		return object{"runs": run.Runs, "context": run.Context}, nil
	}
	var context struct {
		N    int    `json:"n"`
		Text string `json:"text"`
	}
	if run.Context != nil {
		if err := json.Unmarshal(run.Context, &context); err != nil {
			return nil, err
		}
	}
	context.N++
	context.Text = "zwölf Boxkämpfer 🥊"
	_, err := step.Rerun(props.duration(), step.Context(context))
	return nil, err
}

func callback(context.Context, Props) (any, error) {
	run := step.CurrentRun()
	if run.Runs > 1 {
		return object{"runs": run.Runs, "callback": run.CallbackRequest}, nil
	}
	_, err := step.Rerun(24*time.Hour, step.MaxRetries(1))
	return nil, err
}

func maxRetries(context.Context, Props) (any, error) {
	links, err := step.Rerun(time.Millisecond, step.MaxRetries(2))
	return object{"runs": step.CurrentRun().Runs, "scheduled": links.Scheduled}, err
}

func withdraw(context.Context, Props) (any, error) {
	_, err := step.Suspend()
	step.Withdraw()
	return "went on", err
}

func exit(_ context.Context, props Props) (any, error) {
	step.Exit(props.Reason)
	return "done", nil
}

func delay(_ context.Context, props Props) (any, error) {
	_, err := step.Delay(props.duration())
	return "delayed", err
}

func invalidArgument(context.Context, Props) (any, error) {
	_, err := step.Rerun(0)
	return refused(err)
}

// refused is what a program returns that expects an error.
func refused(err error) (any, error) {
	if err == nil {
		return nil, fmt.Errorf("there was no error")
	}
	return object{"refused": err.Error()}, nil
}
