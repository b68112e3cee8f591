package configuration

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// TemplateFields are what the placeholders of a target's template may name.
var TemplateFields = []string{
	"kind", "signal_id", "title", "severity", "rule_id", "rule_name", "message", "group", "first_seen", "last_seen", "events", "url", "tags", "state", "response",
}

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z_]+)\s*\}\}`)

// maxTemplate bounds a template, in bytes.
const maxTemplate = 64 << 10

// FillTemplate puts what placeholders name into the strings of a template. It is parsed
// before: what is filled in stays within its string. A template that is no JSON, or that
// names a field which value does not know, is an error.
func FillTemplate(template string, value func(field string) (text string, known bool)) (json.RawMessage, error) {
	var document any
	if err := json.Unmarshal([]byte(template), &document); err != nil {
		return nil, fmt.Errorf("the template is no JSON: %w", err)
	}
	var unknown string
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			return placeholder.ReplaceAllStringFunc(v, func(tag string) string {
				name := placeholder.FindStringSubmatch(tag)[1]
				text, ok := value(name)
				if !ok {
					unknown = name
				}
				return text
			})
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for k := range v {
				v[k] = walk(v[k])
			}
		}
		return v
	}
	document = walk(document)
	if unknown != "" {
		return nil, fmt.Errorf("the template names {{%s}}, which there is not; there are %s", unknown, strings.Join(TemplateFields, ", "))
	}
	return json.Marshal(document)
}

// checkTemplate says what is wrong with a template before anything is to be told with it.
func checkTemplate(template string) error {
	if len(template) > maxTemplate {
		return fmt.Errorf("want at most %d bytes", maxTemplate)
	}
	_, err := FillTemplate(template, func(field string) (string, bool) { return "", slices.Contains(TemplateFields, field) })
	return err
}
