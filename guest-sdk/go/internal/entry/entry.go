// Package entry is where the host's call and the step's handler meet.
package entry

// Failure is why a step failed, as the host takes it.
type Failure struct {
	Name, Message string
	Stack         *string
	Retryable     bool
}

// Handler runs the step: from the props' JSON to that of the return value, or none.
type Handler func(props string) (*string, *Failure)

// registered is what main handed to step.Run.
var registered Handler

// Register makes handler the step.
func Register(handler Handler) { registered = handler }

// Call runs the step that main registers.
func Call(main func(), props string) (*string, *Failure) {
	main()
	if registered == nil {
		return nil, &Failure{
			Name:    "NoHandler",
			Message: "main did not call step.Run",
		}
	}
	return registered(props)
}
