// Greets somebody, once somebody else has agreed.
package main

import (
	"context"
	"fmt"

	"waystation/step"
)

type Props struct {
	Name string `json:"name"`
}

type Greeted struct {
	Greeting string `json:"greeting"`
}

func main() { step.Run(handle) }

func handle(_ context.Context, props Props) (*Greeted, error) {
	_, err := step.Suspend(step.Message(fmt.Sprintf("Greet %s?", props.Name)))
	if err != nil {
		return nil, err
	}
	// The workflow pauses when this function returns. The links that the call gives can be sent to
	// whoever decides. Whoever has one may act, so none is logged: more people read logs.
	fmt.Println("asked whether to greet", props.Name)
	return &Greeted{Greeting: fmt.Sprintf("Hello, %s!", props.Name)}, nil
}
