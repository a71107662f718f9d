package step

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// encode writes value as JSON text.
func encode(value any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return string(bytes.TrimRight(text.Bytes(), "\n")), nil
}

// decode reads the host's JSON, which what describes, into target.
func decode(what, text string, target any) error {
	if err := json.Unmarshal([]byte(text), target); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
