package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"nightjar/compiler"
	"nightjar/schema"
)

const suppressionsPath = "/api/v2/security_monitoring/configuration/suppressions"

func newSuppressions() *cobra.Command {
	c := suppressionDocuments().command()
	c.AddCommand(newSuppressionsPreview())
	return c
}

func suppressionDocuments() *documents {
	return &documents{
		noun: "suppression", plural: "suppressions", query: "enabled:true", enabled: "enabled",
		list:     listSuppressions,
		complete: completeSuppression,
		create: func(ctx context.Context, c *client, body map[string]any) (string, error) {
			return sendSuppression(ctx, c, http.MethodPost, suppressionsPath, body)
		},
		update: func(ctx context.Context, c *client, was document, body map[string]any) error {
			body = cleared(was.body, body)
			body["version"] = was.version
			_, err := sendSuppression(ctx, c, http.MethodPatch, suppressionsPath+"/"+was.id, body)
			return err
		},
		remove: func(ctx context.Context, c *client, id string) error {
			return c.do(ctx, http.MethodDelete, suppressionsPath+"/"+url.PathEscape(id), nil, nil, nil)
		},
		history: func(ctx context.Context, c *client, id string) ([]revision, error) {
			return readHistory(ctx, c, suppressionsPath+"/"+url.PathEscape(id)+"/version_history", "suppression", suppressionVersion)
		},
		check: func(text []byte, _ tableFiles) ([]string, error) {
			s, err := readSuppression(text)
			if err == nil {
				_, err = compiler.CompileSuppression(s)
			}
			return nil, err
		},
		columns: []string{"NAME", "ENABLED", "RULES", "SIGNALS", "EVENTS", "UNTIL", "ID"},
		cell:    suppressionCell,
	}
}

// readSuppression reads a file: the attributes, or the whole of what the API
// takes.
func readSuppression(text []byte) (s schema.Suppression, err error) {
	var whole struct {
		Data struct{ Attributes json.RawMessage }
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		return s, err
	}
	if whole.Data.Attributes != nil {
		text = whole.Data.Attributes
	}
	return s, schema.Read(text, &s)
}

// written is a suppression as its author would write it.
func written(s schema.Suppression) (map[string]any, error) {
	s.ID, s.Version, s.CreatedAt, s.UpdatedAt = "", 0, 0, 0
	s.Tags = slices.Sorted(slices.Values(s.Tags))
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return jsonObject(text)
}

func completeSuppression(_ context.Context, _ *client, file map[string]any) (map[string]any, []string, error) {
	text, err := json.Marshal(file)
	if err != nil {
		return nil, nil, err
	}
	s, err := readSuppression(text)
	if err == nil {
		_, err = compiler.CompileSuppression(s)
	}
	if err != nil {
		return nil, nil, err
	}
	body, err := written(s)
	return body, nil, err
}

// suppressionVersion is a suppression as its history shows it.
func suppressionVersion(attributes json.RawMessage) (document, error) {
	var s schema.Suppression
	if err := json.Unmarshal(attributes, &s); err != nil {
		return document{}, err
	}
	body, err := written(s)
	return document{name: s.Name, version: s.Version, body: body}, err
}

func listSuppressions(ctx context.Context, c *client, query string) (all []document, err error) {
	var answer struct {
		Data []struct {
			ID         string
			Attributes json.RawMessage
		}
	}
	if err := c.do(ctx, http.MethodGet, suppressionsPath+"?"+url.Values{"query": {query}}.Encode(), nil, nil, &answer); err != nil {
		return nil, err
	}
	for _, one := range answer.Data {
		d, err := suppressionVersion(one.Attributes)
		if err != nil {
			return nil, fmt.Errorf("read suppression %s: %w", one.ID, err)
		}
		d.id = one.ID
		if d.shown, err = json.Marshal(one); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func sendSuppression(ctx context.Context, c *client, method, path string, attributes map[string]any) (id string, err error) {
	text, err := json.Marshal(map[string]any{"data": map[string]any{"type": "suppressions", "attributes": attributes}})
	if err != nil {
		return "", err
	}
	var answer struct{ Data struct{ ID string } }
	err = c.do(ctx, method, path, nil, text, &answer)
	return answer.Data.ID, err
}

func suppressionCell(d document, column string) string {
	text := func(key string) string { s, _ := d.body[key].(string); return s }
	switch column {
	case "NAME":
		return d.name
	case "ENABLED":
		return fmt.Sprint(d.body["enabled"])
	case "RULES":
		return text("rule_query")
	case "SIGNALS":
		return text("suppression_query")
	case "EVENTS":
		return text("data_exclusion_query")
	case "UNTIL":
		if ms, err := strconv.ParseInt(fmt.Sprint(d.body["expiration_date"]), 10, 64); err == nil {
			return time.UnixMilli(ms).UTC().Format(time.RFC3339)
		}
		return "-"
	}
	return d.id
}
