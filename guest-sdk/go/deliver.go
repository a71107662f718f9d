package step

import (
	"sort"

	"waystation/step/internal/host"
)

// Export makes value, as JSON, an export beside the return value. The last value of a name
// stands. `$summary` is a line of text that people see beside the step.
func Export(name string, value any) error {
	text, err := encode(value)
	if err != nil {
		return err
	}
	return current().Export(name, text)
}

// Response answers the HTTP request that triggered the workflow.
type Response struct {
	// Status is 200 to 599; zero stands for 200.
	Status int
	Header map[string]string
	Body   []byte
}

// JSONResponse is a response whose body is value as JSON.
func JSONResponse(status int, value any) (Response, error) {
	text, err := encode(value)
	header := map[string]string{"content-type": "application/json"}
	return Response{status, header, []byte(text)}, err
}

// Respond answers the HTTP request that triggered the workflow, when its trigger says
// `respond: step`: once, while the caller still waits.
func Respond(response Response) error {
	status := response.Status
	if status == 0 {
		status = 200
	}
	if status < 200 || status > 599 {
		return refused("status: 200 to 599 are allowed, not %d", status)
	}
	var headers [][2]string
	for name, value := range response.Header {
		headers = append(headers, [2]string{name, value})
	}
	sort.Slice(headers, func(a, b int) bool { return headers[a][0] < headers[b][0] })
	return current().Respond(host.Response{
		Status: uint16(status), Headers: headers, Body: response.Body,
	})
}

// Mail is a mail. An empty Text or HTML is none.
type Mail struct {
	// To are the addresses; none stands for the owner's.
	To      []string
	Subject string
	Text    string
	HTML    string
}

// SendEmail hands a mail to the host, which delivers it at least once. The step needs
// `allow: { email: true }`.
func SendEmail(mail Mail) error {
	return current().SendEmail(host.Mail{
		To: mail.To, Subject: mail.Subject, Text: some(mail.Text), HTML: some(mail.HTML),
	})
}

func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
