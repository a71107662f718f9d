//go:build !wasip1

package step

import (
	"fmt"
	"os"

	"waystation/step/internal/entry"
)

func register(entry.Handler) {
	fmt.Fprintln(os.Stderr, "a step runs in Waystation: make a component of it with `waystation build`; "+
		"in tests call its handler with the package waystation/step/steptest")
	os.Exit(2)
}
