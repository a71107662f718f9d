package step_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"waystation/step"
	"waystation/step/steptest"
)

type props struct {
	URL string `json:"url"`
}

func poll(_ context.Context, p props) (any, error) {
	run := step.CurrentRun()
	if run.Runs > 1 {
		return map[string]any{"url": p.URL, "context": run.Context}, nil
	}
	_, err := step.Rerun(10*time.Second, step.Context(map[string]int{"n": 1}), step.MaxRetries(3))
	return nil, err
}

func TestARerunAndTheRunAfterIt(t *testing.T) {
	var host steptest.Host
	if _, err := steptest.Call(&host, poll, props{URL: "u"}); err != nil {
		t.Fatal(err)
	}
	if host.Asked.Call != "rerun" || host.Asked.DelayMS != 10_000 || *host.Asked.MaxRetries != 3 {
		t.Errorf("asked %+v", host.Asked)
	}
	host = steptest.Host{Runs: 2, Context: host.Asked.Context}
	result, err := steptest.Call(&host, poll, props{URL: "u"})
	text, _ := json.Marshal(result)
	if err != nil || string(text) != `{"context":{"n":1},"url":"u"}` || host.Asked != nil {
		t.Errorf("returned %s, %v; asked %+v", text, err, host.Asked)
	}
}

func TestTheLastOfTheRerunsSchedulesNothing(t *testing.T) {
	host := steptest.Host{Runs: 3}
	links, err := steptest.Call(&host, func(context.Context, any) (step.Links, error) {
		return step.Rerun(time.Second, step.MaxRetries(2))
	}, nil)
	if err != nil || links.Scheduled || host.Asked != nil {
		t.Errorf("links %+v, %v; asked %+v", links, err, host.Asked)
	}
}

func TestAllOptionsOfASuspend(t *testing.T) {
	var host steptest.Host
	links, err := steptest.Call(&host, func(context.Context, any) (step.Links, error) {
		return step.Suspend(
			step.Timeout(1500*time.Microsecond),
			step.WhenTimedOut(step.Cancel),
			step.Message("Really?"),
			step.ResumeSchema(map[string]string{"type": "object"}),
		)
	}, nil)
	asked := host.Asked
	if err != nil || !links.Scheduled || links.ResumeURL == "" {
		t.Fatalf("links %+v, %v", links, err)
	}
	// A pause is never shorter than was asked for.
	if *asked.TimeoutMS != 2 || *asked.OnTimeout != uint8(step.Cancel) || *asked.Message != "Really?" {
		t.Errorf("asked %+v", asked)
	}
	if string(asked.ResumeSchema) != `{"type":"object"}` {
		t.Errorf("schema %s", asked.ResumeSchema)
	}
}

func TestWrongArgumentsAreErrors(t *testing.T) {
	calls := map[string]func() error{
		"a delay of nothing": func() error { _, err := step.Rerun(0); return err },
		"a negative delay":   func() error { _, err := step.Delay(-time.Second); return err },
		"a negative timeout": func() error { _, err := step.Suspend(step.Timeout(-1)); return err },
		"no such on-timeout": func() error { _, err := step.Suspend(step.WhenTimedOut(7)); return err },
		"a context of no JSON": func() error {
			_, err := step.Rerun(time.Second, step.Context(func() {}))
			return err
		},
		"a status of 99": func() error { return step.Respond(step.Response{Status: 99}) },
	}
	for name, call := range calls {
		var host steptest.Host
		_, err := steptest.Call(&host, func(context.Context, any) (any, error) { return nil, call() }, nil)
		if err == nil || host.Asked != nil {
			t.Errorf("%s: %v, asked %+v", name, err, host.Asked)
		}
	}
}

func TestWhatIsHandedOver(t *testing.T) {
	host := steptest.Host{Event: map[string]int{"total": 12}}
	_, err := steptest.Call(&host, func(context.Context, any) (any, error) {
		var event struct{ Total int }
		response, err := step.JSONResponse(201, "<ü>")
		return nil, errors.Join(
			err,
			step.Event(&event),
			step.Export("answer", event.Total),
			step.SendEmail(step.Mail{Subject: "Hi", Text: "there"}),
			step.Respond(response),
		)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(host.Exports["answer"]) != "12" {
		t.Errorf("exports %s", host.Exports)
	}
	if mail := host.Mails[0]; mail.Subject != "Hi" || *mail.Text != "there" || mail.HTML != nil {
		t.Errorf("mail %+v", mail)
	}
	want := steptest.Response{
		Status: 201, Headers: [][2]string{{"content-type", "application/json"}}, Body: []byte(`"<ü>"`),
	}
	if !reflect.DeepEqual(*host.Response, want) {
		t.Errorf("response %+v", host.Response)
	}
}

func TestOutsideOfAStepTheCallSaysSo(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	step.Withdraw()
}
