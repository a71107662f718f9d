// Package stephttp sends the requests of net/http through the host: importing it makes
// [http.DefaultTransport] one for components. `waystation build` imports it into every step that
// uses net/http.
//
// A request goes where the step's `allow.http` lets it; the host checks certificates. Requests of
// several goroutines run at the same time. Bodies are streamed.
package stephttp

import "errors"

// ErrDenied says that the step, or its host, may not call there.
var ErrDenied = errors.New(
	"the host does not allow this request: see the step's `allow.http` and the host's `outbound.allow`",
)
