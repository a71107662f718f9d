//go:build wasip1

// Package export_wit_world has what the generated exports call.
package export_wit_world

import (
	_ "unsafe" // for the link to main

	"waystation/step/internal/bindings/imports/wit_world"
	"waystation/step/internal/entry"
	"waystation/step/internal/wit/types"
)

// The step's own main, which calls step.Run. A component is no command: nobody else calls it.
//
//go:linkname programMain main.main
func programMain()

// Handler is the world's export.
func Handler(props string) types.Result[types.Option[string], wit_world.Failure] {
	result, failure := entry.Call(programMain, props)
	if failure == nil {
		return types.Ok[types.Option[string], wit_world.Failure](types.Maybe(result))
	}
	return types.Err[types.Option[string]](wit_world.Failure{
		Name:      failure.Name,
		Message:   failure.Message,
		Stack:     types.Maybe(failure.Stack),
		Retryable: failure.Retryable,
	})
}
