// One component for all programs: the props say which one runs.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"waystation/step"
)

// Props are those of all programs.
type Props struct {
	Program   string          `json:"program"`
	MS        int64           `json:"ms"`
	Message   string          `json:"message"`
	Schema    json.RawMessage `json:"schema"`
	Reason    string          `json:"reason"`
	To        string          `json:"to"`
	Subject   string          `json:"subject"`
	Text      string          `json:"text"`
	Retryable bool            `json:"retryable"`
	URL       string          `json:"url"`
	Value     json.RawMessage `json:"value"`

	// All keeps the props as they came.
	All json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the props, and keeps them.
func (p *Props) UnmarshalJSON(text []byte) error {
	type plain Props
	p.All = append(json.RawMessage(nil), text...)
	return json.Unmarshal(text, (*plain)(p))
}

func (p Props) duration() time.Duration { return time.Duration(p.MS) * time.Millisecond }

type object map[string]any

var programs = map[string]func(context.Context, Props) (any, error){
	"suspend":          suspend,
	"timeout":          timeout,
	"approval":         approval,
	"rerun":            rerun,
	"callback":         callback,
	"max_retries":      maxRetries,
	"withdraw":         withdraw,
	"exit":             exit,
	"delay":            delay,
	"export":           export,
	"invalid_argument": invalidArgument,
	"respond":          respond,
	"mail":             mail,
	"error":            failing,
	"echo":             echo,
	"log":              log,
	"get":              get,
	"post":             post,
	"denied":           denied,
	"view":             view,
}

func main() { step.Run(handle) }

func handle(ctx context.Context, props Props) (any, error) {
	program, ok := programs[props.Program]
	if !ok {
		return nil, step.Permanent(fmt.Errorf("there is no program %s", props.Program))
	}
	return program(ctx, props)
}
