//go:build wasip1

package stephttp

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"waystation/step/internal/bindings/imports/wasi_http_outgoing_handler"
	wasi "waystation/step/internal/bindings/imports/wasi_http_types"
	"waystation/step/internal/wit/runtime"
	"waystation/step/internal/wit/types"
)

func init() { http.DefaultTransport = Transport{} }

// Transport is an [http.RoundTripper] over wasi:http.
type Transport struct{}

// writeBytesMax is what one blocking write takes, by the definition of wasi:io.
const writeBytesMax = 4096

// RoundTrip sends the request and gives the answer as soon as its head is there.
func (Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	defer closeBody(request)
	ctx := request.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	future, err := send(request)
	if err != nil {
		return nil, err
	}
	// Not left to the collector: the host wants children dropped before their parents.
	defer future.Drop()
	ready := future.Subscribe()
	err = wait(ctx, ready)
	ready.Drop()
	if err != nil {
		return nil, err
	}
	got := future.Get()
	if got.Tag() == types.OptionNone || got.Some().IsErr() {
		return nil, fmt.Errorf("no answer came")
	}
	answer := got.Some().Ok()
	if answer.IsErr() {
		return nil, failure(answer.Err())
	}
	return response(request, answer.Ok())
}

// send hands the request to the host, with its body.
func send(request *http.Request) (*wasi.FutureIncomingResponse, error) {
	outgoing, err := outgoing(request)
	if err != nil {
		return nil, err
	}
	body := outgoing.Body().Ok()
	sent := wasi_http_outgoing_handler.Handle(outgoing, options(request))
	if sent.IsErr() {
		body.Drop()
		return nil, failure(sent.Err())
	}
	if err := write(body, request.Body); err != nil {
		sent.Ok().Drop()
		return nil, err
	}
	return sent.Ok(), nil
}

func outgoing(request *http.Request) (*wasi.OutgoingRequest, error) {
	fields, err := fields(request)
	if err != nil {
		return nil, err
	}
	outgoing := wasi.MakeOutgoingRequest(fields)
	scheme := wasi.MakeSchemeHttp()
	switch request.URL.Scheme {
	case "http":
	case "https":
		scheme = wasi.MakeSchemeHttps()
	default:
		return nil, fmt.Errorf("the URL's scheme is %q, not http or https", request.URL.Scheme)
	}
	host := request.URL.Host
	for _, part := range []struct {
		what   string
		result types.Result[types.Unit, types.Unit]
	}{
		{"method", outgoing.SetMethod(method(request.Method))},
		{"URL's scheme", outgoing.SetScheme(types.Some(scheme))},
		{"URL's host", outgoing.SetAuthority(types.Some(host))},
		{"URL's path", outgoing.SetPathWithQuery(types.Some(request.URL.RequestURI()))},
	} {
		if part.result.IsErr() {
			outgoing.Drop()
			return nil, fmt.Errorf("the %s is not valid", part.what)
		}
	}
	return outgoing, nil
}

// fields are the request's headers. Those of the connection are the host's.
func fields(request *http.Request) (*wasi.Fields, error) {
	fields := wasi.MakeFields()
	add := func(name, value string) error {
		if fields.Append(strings.ToLower(name), []byte(value)).IsErr() {
			fields.Drop()
			return fmt.Errorf("the header %s is not valid, or is the host's", name)
		}
		return nil
	}
	for name, values := range request.Header {
		for _, value := range values {
			if err := add(name, value); err != nil {
				return nil, err
			}
		}
	}
	// Many servers read no body whose length is not told.
	if request.ContentLength > 0 && request.Body != nil {
		if err := add("content-length", fmt.Sprint(request.ContentLength)); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// options pass the context's deadline on; the host bounds it by its own.
func options(request *http.Request) types.Option[*wasi.RequestOptions] {
	deadline, ok := request.Context().Deadline()
	if !ok {
		return types.None[*wasi.RequestOptions]()
	}
	left := types.Some(uint64(max(time.Until(deadline), time.Millisecond)))
	options := wasi.MakeRequestOptions()
	// A host that supports no timeouts says so here; the context's deadline remains.
	options.SetConnectTimeout(left)
	options.SetFirstByteTimeout(left)
	options.SetBetweenBytesTimeout(left)
	return types.Some(options)
}

// write sends a body, as far as the server takes it: when it hangs up, its answer says why.
func write(body *wasi.OutgoingBody, from io.Reader) error {
	stream := body.Write().Ok()
	buffer := make([]byte, writeBytesMax)
	for from != nil {
		n, err := from.Read(buffer)
		if n > 0 && stream.BlockingWriteAndFlush(buffer[:n]).IsErr() {
			stream.Drop()
			body.Drop()
			return nil
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			stream.Drop()
			body.Drop()
			return err
		}
	}
	stream.Drop()
	wasi.OutgoingBodyFinish(body, types.None[*wasi.Fields]())
	return nil
}

// response is the answer; its body is read from the host as the step reads it.
func response(request *http.Request, incoming *wasi.IncomingResponse) (*http.Response, error) {
	header := http.Header{}
	headers := incoming.Headers()
	for _, entry := range headers.Entries() {
		header.Add(entry.F0, string(entry.F1))
	}
	headers.Drop()
	runtime.Unpin()
	status := int(incoming.Status())
	length := int64(-1)
	if told := header.Get("content-length"); told != "" {
		if _, err := fmt.Sscan(told, &length); err != nil {
			length = -1
		}
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          open(request.Context(), incoming),
		ContentLength: length,
		Request:       request,
	}, nil
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close() // as the interface asks for; there is nobody to tell
	}
}

func method(name string) wasi.Method {
	switch name {
	case "", "GET":
		return wasi.MakeMethodGet()
	case "HEAD":
		return wasi.MakeMethodHead()
	case "POST":
		return wasi.MakeMethodPost()
	case "PUT":
		return wasi.MakeMethodPut()
	case "DELETE":
		return wasi.MakeMethodDelete()
	case "CONNECT":
		return wasi.MakeMethodConnect()
	case "OPTIONS":
		return wasi.MakeMethodOptions()
	case "TRACE":
		return wasi.MakeMethodTrace()
	case "PATCH":
		return wasi.MakeMethodPatch()
	default:
		return wasi.MakeMethodOther(name)
	}
}
