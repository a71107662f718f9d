//go:build wasip1

package stephttp

import (
	"context"
	"errors"
	"io"

	wasi "waystation/step/internal/bindings/imports/wasi_http_types"
	"waystation/step/internal/bindings/imports/wasi_io_streams"
	"waystation/step/internal/wit/runtime"
)

// readBytesMax is how much of an answer is asked for at once.
const readBytesMax = 64 * 1024

// body is an answer's body.
type body struct {
	ctx      context.Context
	response *wasi.IncomingResponse
	incoming *wasi.IncomingBody
	stream   *wasi_io_streams.InputStream
	read     []byte // from the host, not yet by the step
	end      error  // why no more comes
}

// unclosed bodies. A step may forget one: the collector would then drop its handles in any order,
// and the host wants children dropped before their parents.
var unclosed = map[*body]struct{}{}

func open(ctx context.Context, response *wasi.IncomingResponse) io.ReadCloser {
	incoming := response.Consume().Ok()
	b := &body{ctx: ctx, response: response, incoming: incoming, stream: incoming.Stream().Ok()}
	unclosed[b] = struct{}{}
	return b
}

// Read gives what is there, and waits only when nothing is.
func (b *body) Read(into []byte) (int, error) {
	for len(b.read) == 0 {
		if b.end != nil {
			return 0, b.end
		}
		if len(into) == 0 {
			return 0, nil
		}
		if b.read, b.end = b.next(); b.end != nil {
			b.drop()
		}
	}
	n := copy(into, b.read)
	b.read = b.read[n:]
	return n, nil
}

func (b *body) next() ([]byte, error) {
	ready := b.stream.Subscribe()
	err := wait(b.ctx, ready)
	ready.Drop()
	if err != nil {
		return nil, err
	}
	part := b.stream.Read(readBytesMax)
	// Else all parts of a long body would stay pinned until the run is over.
	runtime.Unpin()
	if !part.IsErr() {
		return part.Ok(), nil
	}
	why := part.Err()
	if why.Tag() == wasi_io_streams.StreamError_Closed {
		return nil, io.EOF
	}
	failed := why.LastOperationFailed()
	defer failed.Drop()
	if code := wasi.HttpErrorCode(failed).Pointer(); code != nil {
		return nil, failure(*code)
	}
	return nil, errors.New(failed.ToDebugString())
}

// Close lets the rest go.
func (b *body) Close() error {
	b.drop()
	b.read, b.end = nil, errClosed
	return nil
}

func (b *body) drop() {
	b.stream.Drop()
	b.incoming.Drop()
	b.response.Drop()
	delete(unclosed, b)
}

var errClosed = errors.New("the body was closed")
