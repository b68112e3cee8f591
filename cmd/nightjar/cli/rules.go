package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/api/ruledoc"
	"nightjar/compiler/rulecheck"
	"nightjar/content"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// rulesPath is where rules are with everything that nightjar has.
const rulesPath = "/api/nightjar/v1/rules"

func newRules() *cobra.Command { return ruleDocuments().command() }

func ruleDocuments() *documents {
	costs := map[string]ruleCost{}
	return &documents{
		noun: "rule", plural: "rules", query: "source:sshd type:log_detection", enabled: "isEnabled",
		list:     listRules,
		complete: completeRule,
		create: func(ctx context.Context, c *client, body map[string]any) (string, error) {
			d, err := sendRule(ctx, c, http.MethodPost, rulesPath, body)
			return d.id, err
		},
		update: func(ctx context.Context, c *client, was document, body map[string]any) error {
			if was.body["type"] != body["type"] {
				return fmt.Errorf("the type of a rule does not change, from %v to %v; delete it, or give this one another name", was.body["type"], body["type"])
			}
			body = cleared(was.body, body)
			body["version"] = was.version
			_, err := sendRule(ctx, c, http.MethodPut, rulesPath+"/"+was.id, body)
			return err
		},
		remove: func(ctx context.Context, c *client, id string) error {
			return c.do(ctx, http.MethodDelete, rulesPath+"/"+url.PathEscape(id), nil, nil, nil)
		},
		history: func(ctx context.Context, c *client, id string) ([]revision, error) {
			return readHistory(ctx, c, "/api/v2/security_monitoring/rules/"+url.PathEscape(id)+"/version_history", "rule", ruleDocument)
		},
		check: checkRule, asksTables: true, bundled: bundledRules(),
		columns:     []string{"NAME", "TYPE", "METHOD", "ENABLED", "SEVERITY", "US/EVENT", "SIGNALS/DAY", "BEHIND", "ID", "WITHOUT EFFECT"},
		columnsHelp: ruleColumnsHelp,
		measure:     func(ctx context.Context, c *client) { c.ruleCosts(ctx, costs) },
		cell: func(d document, column string) string {
			if text, ok := costs[d.id].cell(column); ok {
				return text
			}
			return ruleCell(d, column)
		},
	}
}

func listRules(ctx context.Context, c *client, query string) (all []document, err error) {
	const size = 100
	for page := 0; ; page++ {
		values := url.Values{"page[size]": {strconv.Itoa(size)}, "page[number]": {strconv.Itoa(page)}, "query": {query}}
		var answer struct{ Data []json.RawMessage }
		if err := c.do(ctx, http.MethodGet, rulesPath+"?"+values.Encode(), nil, nil, &answer); err != nil {
			return nil, err
		}
		for _, raw := range answer.Data {
			d, err := ruleDocument(raw)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		if len(answer.Data) < size {
			return all, nil
		}
	}
}

// ruleDocument is a rule as the server shows it.
func ruleDocument(raw json.RawMessage) (document, error) {
	body, err := jsonObject(raw)
	if err != nil {
		return document{}, err
	}
	var about struct {
		ID, Name string
		Version  int64
	}
	if err := json.Unmarshal(raw, &about); err != nil {
		return document{}, fmt.Errorf("read a rule of the answer: %w", err)
	}
	ruledoc.DropServerFields(body)
	return document{id: about.ID, name: about.Name, version: about.Version, body: body, shown: raw}, nil
}

func sendRule(ctx context.Context, c *client, method, path string, body map[string]any) (document, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return document{}, err
	}
	var answer json.RawMessage
	if err := c.do(ctx, method, path, nil, text, &answer); err != nil {
		return document{}, err
	}
	return ruleDocument(answer)
}

// completeRule asks the server what it would keep.
func completeRule(ctx context.Context, c *client, file map[string]any) (map[string]any, []string, error) {
	d, err := sendRule(ctx, c, http.MethodPost, rulesPath+"?dry_run=true", file)
	var said struct{ Warnings []string }
	_ = json.Unmarshal(d.shown, &said) // it was read before
	return d.body, said.Warnings, err
}

// ruleID is the id of the rule that a user named by its id or its name.
func (c *client) ruleID(ctx context.Context, idOrName string) (string, error) {
	if schema.IsID(idOrName) {
		err := c.do(ctx, http.MethodGet, rulesPath+"/"+url.PathEscape(idOrName), nil, nil, nil)
		var answer *httpError
		if err == nil || !errors.As(err, &answer) || answer.status != http.StatusNotFound {
			return idOrName, err
		}
	}
	d, err := ruleDocuments().find(ctx, c, idOrName)
	return d.id, err
}

func checkRule(text []byte, files tableFiles) ([]string, error) {
	var rule schema.Rule
	if err := schema.Read(text, &rule); err != nil {
		return nil, jsonPlace(text, err)
	}
	checked := rulecheck.Check(rule, rulecheck.Surroundings{})
	if err := checked.Err(); err != nil || len(files) == 0 {
		return checked.Warnings, err
	}
	tables, err := tablesOf(files, checked.Plan.TableColumns(), func(tableFile, reference.Report) {})
	if err != nil {
		return nil, err
	}
	checked.AskTables(tables)
	return checked.Warnings, checked.Err()
}

func ruleCell(d document, column string) string {
	var r schema.Rule
	_ = json.Unmarshal(d.shown, &r) // what does not fit is not shown
	switch column {
	case "NAME":
		return r.Name
	case "TYPE":
		return string(r.Type)
	case "METHOD":
		return string(r.Options.Method())
	case "ENABLED":
		return strconv.FormatBool(r.IsEnabled)
	case "SEVERITY":
		var severities []string
		for _, c := range r.Cases {
			severities = append(severities, string(c.Severity()))
		}
		return strings.Join(severities, ", ")
	case "WITHOUT EFFECT":
		var shown struct{ Warnings []string }
		_ = json.Unmarshal(d.shown, &shown)
		return strings.Join(shown.Warnings, "; ")
	}
	return d.id
}

// bundledRules are the rules that ship.
func bundledRules() fs.FS {
	rules, err := fs.Sub(content.Files, "rules")
	if err != nil {
		panic(err) // the name of a folder is valid
	}
	return rules
}
