package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"waystation/step"
)

func export(context.Context, Props) (any, error) {
	if err := step.Export("answer", object{"n": 42}); err != nil {
		return nil, err
	}
	if err := step.Export("$summary", "answered"); err != nil {
		return nil, err
	}
	return refused(step.Export("$resume_data", 1))
}

func respond(context.Context, Props) (any, error) {
	var event struct {
		Body json.RawMessage `json:"body"`
	}
	if err := step.Event(&event); err != nil {
		return nil, err
	}
	response, err := step.JSONResponse(201, object{"got": event.Body})
	if err != nil {
		return nil, err
	}
	response.Header["x-answered-by"] = "conformance"
	return "responded", step.Respond(response)
}

func mail(_ context.Context, props Props) (any, error) {
	err := step.SendEmail(step.Mail{
		To: []string{props.To}, Subject: props.Subject, Text: props.Text,
	})
	return "sent", err
}

// OutOfStock is an error of the step's own.
type OutOfStock struct{ message string }

func (e *OutOfStock) Error() string { return e.message }

func reserve(message string) error { return &OutOfStock{message} }

func failing(_ context.Context, props Props) (any, error) {
	err := reserve(props.Message)
	if !props.Retryable {
		err = step.Permanent(err)
	}
	return nil, err
}

func echo(_ context.Context, props Props) (any, error) {
	return object{"value": props.Value}, nil
}

func log(_ context.Context, props Props) (any, error) {
	fmt.Println("out: " + props.Text)
	fmt.Fprintln(os.Stderr, "err: "+props.Text)
	return "logged", nil
}

func view(_ context.Context, props Props) (any, error) {
	var event json.RawMessage
	var steps map[string]map[string]json.RawMessage
	if err := step.Event(&event); err != nil {
		return nil, err
	}
	if err := step.Steps(&steps); err != nil {
		return nil, err
	}
	execution := step.CurrentExecution()
	return object{
		"props":  props.All,
		"event":  event,
		"before": steps["first"]["$return_value"],
		"execution": object{
			"workflow": execution.Workflow,
			"step":     execution.Step,
			"attempt":  execution.Attempt,
			"test":     execution.Test,
			"runs":     step.CurrentRun().Runs,
		},
	}, nil
}
