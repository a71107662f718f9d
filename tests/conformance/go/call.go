package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

func get(ctx context.Context, props Props) (any, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, props.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("x-conformance", "yes")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	result, err := resultOf(answer)
	if err != nil {
		return nil, err
	}
	result["type"] = answer.Header.Get("content-type")
	return result, nil
}

func post(_ context.Context, props Props) (any, error) {
	answer, err := http.Post(props.URL, "application/json", bytes.NewReader(props.Value))
	if err != nil {
		return nil, err
	}
	return resultOf(answer)
}

func denied(_ context.Context, props Props) (any, error) {
	_, err := http.Get(props.URL)
	return refused(err)
}

func resultOf(answer *http.Response) (object, error) {
	defer answer.Body.Close()
	var body json.RawMessage
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return nil, err
	}
	return object{"status": answer.StatusCode, "body": body}, nil
}
