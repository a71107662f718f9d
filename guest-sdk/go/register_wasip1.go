package step

import (
	"waystation/step/internal/entry"

	// What the host calls.
	_ "waystation/step/internal/bindings/exports/wit_exports"
)

func register(handler entry.Handler) { entry.Register(handler) }
