//go:build wasip1

package stephttp

import (
	"errors"
	"fmt"

	wasi "waystation/step/internal/bindings/imports/wasi_http_types"
)

// failure is a code of wasi:http as an error.
func failure(code wasi.ErrorCode) error {
	switch code.Tag() {
	case wasi.ErrorCode_HttpRequestDenied:
		return ErrDenied
	case wasi.ErrorCode_InternalError:
		if told := code.InternalError().Pointer(); told != nil {
			return errors.New(*told)
		}
	}
	if words, ok := words[code.Tag()]; ok {
		return errors.New(words)
	}
	return fmt.Errorf("HTTP error %d of wasi:http", code.Tag())
}

// words for the codes that steps meet.
var words = map[uint8]string{
	wasi.ErrorCode_DnsTimeout:              "looking the name up took too long",
	wasi.ErrorCode_DnsError:                "the name was not found",
	wasi.ErrorCode_DestinationNotFound:     "the destination was not found",
	wasi.ErrorCode_DestinationUnavailable:  "the destination is not available",
	wasi.ErrorCode_DestinationIpProhibited: "the destination's address is not allowed",
	wasi.ErrorCode_DestinationIpUnroutable: "there is no way to the destination's address",
	wasi.ErrorCode_ConnectionRefused:       "connection refused",
	wasi.ErrorCode_ConnectionTerminated:    "the connection was cut",
	wasi.ErrorCode_ConnectionTimeout:       "connecting took too long",
	wasi.ErrorCode_ConnectionReadTimeout:   "the server did not answer in time",
	wasi.ErrorCode_ConnectionWriteTimeout:  "the server did not read in time",
	wasi.ErrorCode_ConnectionLimitReached:  "there are too many connections",
	wasi.ErrorCode_TlsProtocolError:        "TLS protocol error",
	wasi.ErrorCode_TlsCertificateError:     "the server's certificate is not valid",
	wasi.ErrorCode_TlsAlertReceived:        "the server ended TLS",
	wasi.ErrorCode_HttpRequestBodySize:     "the body has another size than its header says",
	wasi.ErrorCode_HttpRequestUriInvalid:   "the URL is not valid",
	wasi.ErrorCode_HttpResponseIncomplete:  "the answer broke off",
	wasi.ErrorCode_HttpResponseTimeout:     "the server did not answer in time",
	wasi.ErrorCode_HttpProtocolError:       "HTTP protocol error",
	wasi.ErrorCode_InternalError:           "internal error of the host",
}
