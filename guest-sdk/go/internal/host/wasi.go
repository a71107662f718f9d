//go:build wasip1

package host

import (
	"waystation/step/internal/bindings/imports/waystation_step_context"
	"waystation/step/internal/bindings/imports/waystation_step_exports"
	"waystation/step/internal/bindings/imports/waystation_step_flow"
	"waystation/step/internal/bindings/imports/waystation_step_http_response"
	"waystation/step/internal/bindings/imports/waystation_step_send"
	"waystation/step/internal/wit/types"
)

func init() { Current = component{} }

// component is the host that runs this component.
type component struct{}

func (component) Suspend(o SuspendOptions) (Links, error) {
	return links(waystation_step_flow.SuspendWith(waystation_step_flow.SuspendOptions{
		TimeoutMs:    types.Maybe(o.TimeoutMS),
		OnTimeout:    types.Maybe(o.OnTimeout),
		Message:      text(o.Message),
		ResumeSchema: types.Maybe(o.ResumeSchema),
	}))
}

func (component) Rerun(delayMS uint64, context *string, maxRetries *uint32) (Links, error) {
	return links(waystation_step_flow.Rerun(delayMS, types.Maybe(context), types.Maybe(maxRetries)))
}

func (component) Delay(delayMS uint64) (Links, error) {
	return links(waystation_step_flow.Delay(delayMS))
}

func (component) Withdraw() { waystation_step_flow.Withdraw() }

func (component) Exit(reason *string) { waystation_step_flow.Exit(text(reason)) }

func (component) Run() Run {
	run := waystation_step_context.GetRun()
	return Run{
		Runs:            run.Runs,
		Context:         run.Context.Pointer(),
		CallbackRequest: run.CallbackRequest.Pointer(),
	}
}

func (component) Execution() Execution {
	from := waystation_step_context.GetExecution()
	return Execution{
		ID:              from.Id,
		Workflow:        from.Workflow,
		WorkflowVersion: from.WorkflowVersion,
		Step:            from.Step,
		TriggeredAt:     from.TriggeredAt,
		DeadlineMS:      from.DeadlineMs,
		Attempt:         from.Attempt,
		IdempotencyKey:  from.IdempotencyKey,
		Test:            from.Test,
	}
}

func (component) Event() string { return waystation_step_context.GetEvent() }

func (component) Steps() string { return waystation_step_context.GetSteps() }

func (component) Export(name, value string) error {
	result := waystation_step_exports.Set(Text(name), value)
	if !result.IsErr() {
		return nil
	}
	switch err := result.Err(); err.Tag() {
	case waystation_step_exports.Error_InvalidName:
		return &Error{"invalid-name", err.InvalidName()}
	case waystation_step_exports.Error_InvalidJson:
		return &Error{"invalid-json", err.InvalidJson()}
	default:
		return &Error{"too-large", err.TooLarge()}
	}
}

func (component) Respond(response Response) error {
	headers := make([]types.Tuple2[string, string], len(response.Headers))
	for i, header := range response.Headers {
		headers[i] = types.Tuple2[string, string]{F0: Text(header[0]), F1: Text(header[1])}
	}
	result := waystation_step_http_response.Respond(waystation_step_http_response.Response{
		Status: response.Status, Headers: headers, Body: response.Body,
	})
	if !result.IsErr() {
		return nil
	}
	err := result.Err()
	if err.Tag() == waystation_step_http_response.Error_NobodyWaits {
		return &Error{"nobody-waits", err.NobodyWaits()}
	}
	return &Error{"invalid-response", err.InvalidResponse()}
}

func (component) SendEmail(mail Mail) error {
	to := make([]string, len(mail.To))
	for i, address := range mail.To {
		to[i] = Text(address)
	}
	result := waystation_step_send.Email(waystation_step_send.Mail{
		To: to, Subject: Text(mail.Subject), Text: text(mail.Text), Html: text(mail.HTML),
	})
	if !result.IsErr() {
		return nil
	}
	switch err := result.Err(); err.Tag() {
	case waystation_step_send.Error_NotAllowed:
		return &Error{"not-allowed", err.NotAllowed()}
	case waystation_step_send.Error_InvalidArgument:
		return &Error{"invalid-argument", err.InvalidArgument()}
	default:
		return &Error{"unavailable", err.Unavailable()}
	}
}

func links(result types.Result[waystation_step_flow.Links, waystation_step_flow.Error]) (Links, error) {
	if result.IsErr() {
		return Links{}, &Error{"invalid-argument", result.Err().InvalidArgument()}
	}
	from := result.Ok()
	return Links{from.ResumeUrl, from.CancelUrl, from.ApprovalUrl, from.Scheduled}, nil
}

func text(s *string) types.Option[string] {
	if s == nil {
		return types.None[string]()
	}
	return types.Some(Text(*s))
}
