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
	links, err := step.Suspend(step.Message(fmt.Sprintf("Greet %s?", props.Name)))
	if err != nil {
		return nil, err
	}
	// The workflow pauses when this function returns. Until then the links can be sent anywhere.
	fmt.Println("waits at", links.ApprovalURL)
	return &Greeted{Greeting: fmt.Sprintf("Hello, %s!", props.Name)}, nil
}
