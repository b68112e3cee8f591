package pipeline

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// codeBlocks are those of docs/pipelines.md that are YAML.
func codeBlocks(t *testing.T) (blocks []string, text string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/pipelines.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(page), "```") {
		if code, ok := strings.CutPrefix(part, "yaml\n"); ok && i%2 == 1 {
			blocks = append(blocks, code)
		}
	}
	return blocks, string(page)
}

// TestTheExamplesOfThePageAreTrue runs every example of docs/pipelines.md that has
// processors and what becomes of an event.
func TestTheExamplesOfThePageAreTrue(t *testing.T) {
	blocks, _ := codeBlocks(t)
	n := 0
	for _, code := range blocks {
		if strings.Contains("\n"+code, "\nafter:") {
			n++
			checkExample(t, code)
		}
	}
	if n < len(kinds(topLevel)) {
		t.Errorf("%d examples", n)
	}
}

func checkExample(t *testing.T, code string) {
	t.Helper()
	root, problem := readNodes(code)
	if problem != nil {
		t.Fatalf("%s\n%v", code, problem)
	}
	d := &document{enabled: true}
	o := d.object(root, "")
	p := &Pipeline{ID: "example", Enabled: true, Version: 1, Filter: o.filter("filter"), Processors: o.processors("processors", topLevel)}
	before := "{}"
	if n := o.find("before"); n != nil {
		before = string(n.appendJSON(nil))
	}
	r := recordOf(t, before)
	r.Message, r.Status = o.textOr("message", ""), ""
	want := o.leaves("after")
	fields := o.leaves("fields")
	if o.end(); len(d.problems) > 0 {
		t.Fatalf("%s\n%v", code, d.problems)
	}
	NewSet([]*Pipeline{p}, Deps{Budget: -1}).Run(r)
	have := map[string]string{}
	flatten(shown(r), have)
	c := comparison{}
	for _, path := range sortedPaths(want, have) {
		c.leaf(path, want, have)
	}
	for name, have := range map[string]string{"status": r.Status, "service": r.Service, "message": r.Message, "trace_id": r.TraceID, "span_id": r.SpanID, "timestamp": r.At.String()} {
		if w, ok := fields[name]; ok && w != `"`+have+`"` {
			c.differ(name, w, have)
		}
	}
	if len(c.lines) > 0 {
		t.Errorf("%s\n%s", code, strings.Join(c.lines, "\n"))
	}
}

func TestThePageHasEveryTypeOfProcessor(t *testing.T) {
	_, page := codeBlocks(t)
	for _, kind := range slices.Concat(kinds(topLevel), kinds(elementLevel)) {
		if !strings.Contains(page, "### `"+kind+"`") {
			t.Errorf("docs/pipelines.md has no section of %s", kind)
		}
	}
}
