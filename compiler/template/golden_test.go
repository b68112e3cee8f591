package template

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"nightjar/schema"
)

var update = flag.Bool("update", false, "write the golden files")

// caseData is Data as the golden files write it.
type caseData struct {
	Rule, Case, Severity   string
	Timestamp, First, Last time.Time
	Events                 []struct {
		Host, Service, Message string
		Tags                   []string
		Attributes             json.RawMessage
	}
	Matched    uint64
	PerQuery   map[string]uint64
	Group      [][2]string
	Tags       []string
	Attributes json.RawMessage
}

func (c caseData) data(t *testing.T) Data {
	d := Data{
		RuleName: c.Rule, CaseName: c.Case, Severity: c.Severity,
		Timestamp: schema.MillisOf(c.Timestamp), FirstSeen: schema.MillisOf(c.First), LastSeen: schema.MillisOf(c.Last),
		EventsMatched: c.Matched, PerQuery: c.PerQuery, Tags: c.Tags, Attributes: attributes(t, string(c.Attributes)),
	}
	for _, g := range c.Group {
		d.Group = append(d.Group, Value{schema.ParseField(g[0]), g[1]})
	}
	for _, e := range c.Events {
		d.Events = append(d.Events, schema.Event{
			Host: e.Host, Service: e.Service, Message: e.Message, Tags: e.Tags, Attributes: attributes(t, string(e.Attributes)),
		})
	}
	return d
}

func attributes(t testing.TB, text string) schema.Attributes {
	if text == "" {
		return schema.Attributes{}
	}
	a, err := schema.ParseAttributes(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// destinations by the name of the golden section.
var destinations = map[string]Destination{
	"plain": Plain, "markdown": Markdown, "html": HTML, "slack": Slack, "json": JSONString, "header": Header, "url": URL,
}

// TestGolden reads testdata/*.txtar: a template, perhaps the data of a signal,
// and what comes of it in the sections that the file has.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(archive.Comment) == 0 || len(archive.Files) < 2 || archive.Files[0].Name != "template" {
				t.Fatal("want a comment that says why, a section template, and what comes of it")
			}
			want := txtar.Format(archive)
			fill(t, archive)
			got := txtar.Format(archive)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if string(got) != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// fill writes every section after the template and the data.
func fill(t *testing.T, archive *txtar.Archive) {
	text := strings.TrimSuffix(string(archive.Files[0].Data), "\n")
	var c caseData
	for i := range archive.Files[1:] {
		section := &archive.Files[i+1]
		if section.Name == "data" {
			if err := json.Unmarshal(section.Data, &c); err != nil {
				t.Fatal(err)
			}
			continue
		}
		section.Data = []byte(strings.TrimSuffix(result(t, section.Name, text, c.data(t)), "\n") + "\n")
	}
}

func result(t *testing.T, section, text string, d Data) string {
	if section == "errors" {
		return errorsOf(text)
	}
	parsed := ParseLenient(text)
	if section != "lenient" && section != "warnings" {
		var err error
		if parsed, err = Parse(text); err != nil {
			t.Fatal(err)
		}
	}
	switch section {
	case "lenient":
		out, _ := parsed.Render(d, Plain)
		return out
	case "warnings":
		return lists(parsed.Check("failed_logins"))
	case "print":
		return parsed.String()
	case "handles":
		return strings.Join(parsed.Handles(d), "\n")
	}
	to, known := destinations[section]
	if !known {
		t.Fatalf("no section is called %s", section)
	}
	out, truncated := parsed.Render(d, to)
	if truncated {
		t.Errorf("%s was cut", section)
	}
	return out
}

// errorsOf reads every line as a template of its own.
func errorsOf(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(text, "\n") {
		_, err := Parse(line)
		var e *schema.SyntaxError
		if !errors.As(err, &e) {
			fmt.Fprintf(&b, "%s: no error\n", line)
			continue
		}
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

func lists(warnings []Warning) string {
	var b strings.Builder
	for _, w := range warnings {
		fmt.Fprintln(&b, w)
	}
	return b.String()
}
