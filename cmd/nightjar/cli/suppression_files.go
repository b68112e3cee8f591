package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"nightjar/compiler"
	"nightjar/schema"
)

// readSuppressions reads a file of suppressions: JSON documents or arrays of
// them, each as the API takes and gives them, with its envelope or without.
// They apply to all arrivals.
func readSuppressions(path string) ([]compiler.InForce, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := parseSuppressions(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, jsonPlace(text, err))
	}
	var out []compiler.InForce
	for i, p := range list {
		if p.ID == "" {
			p.ID = p.Name
		}
		c, err := compiler.CompileSuppression(p)
		if err != nil {
			return nil, fmt.Errorf("%s: suppression %d: %w", path, i+1, err)
		}
		out = append(out, compiler.Always(c))
	}
	return out, nil
}

func parseSuppressions(text []byte) ([]schema.Suppression, error) {
	var out []schema.Suppression
	d := json.NewDecoder(strings.NewReader(string(text)))
	for {
		var document json.RawMessage
		if err := d.Decode(&document); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if err := addSuppressions(document, &out); err != nil {
			return nil, err
		}
	}
}

func addSuppressions(document json.RawMessage, out *[]schema.Suppression) error {
	var list []json.RawMessage
	if json.Unmarshal(document, &list) == nil {
		for _, one := range list {
			if err := addSuppressions(one, out); err != nil {
				return err
			}
		}
		return nil
	}
	var envelope struct {
		ID               string
		Data, Attributes json.RawMessage
	}
	if err := json.Unmarshal(document, &envelope); err != nil {
		return err
	}
	switch {
	case envelope.Data != nil:
		return addSuppressions(envelope.Data, out)
	case envelope.Attributes != nil:
		document = envelope.Attributes
	}
	p := schema.Suppression{ID: envelope.ID, Enabled: true} // unless it says otherwise
	if err := schema.Read(document, &p); err != nil {
		return err
	}
	*out = append(*out, p)
	return nil
}
