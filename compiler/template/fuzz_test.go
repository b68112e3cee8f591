package template

import (
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/tools/txtar"

	"nightjar/schema"
)

// seeds are the templates of the golden files, and pieces that go wrong alone.
func seeds(f *testing.F) []string {
	list := []string{"", "{", "{{", "{{{{{", `\{{`, `\\{{x}}`, "{{[", "{{'", "}}", "{{#if a}}{{else}}{{/if}}", "{{{{raw}}}}{{{{/raw}}}}", "{{{a}}}}", "a\n {{! }} \r\n{{#if a}}\n b", "\x00\xff"}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatal("no golden files")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, string(txtar.Parse(body).Files[0].Data))
	}
	return list
}

// FuzzParse keeps the promises of Parse and String: they end, an error has a
// place in the text, and what is printed renders the same and prints the same.
func FuzzParse(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		parsed, err := Parse(text)
		if err != nil {
			checkPlace(t, text, err)
			ParseLenient(text).Check()
		} else {
			checkPrint(t, parsed)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}

func checkPlace(t *testing.T, text string, err error) {
	var e *schema.SyntaxError
	if !errors.As(err, &e) {
		t.Fatalf("error of another kind: %v", err)
	}
	lines := strings.Split(text, "\n")
	if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > utf8.RuneCountInString(lines[e.Line-1])+1 {
		t.Fatalf("%q: %v is outside the text", text, err)
	}
}

func checkPrint(t *testing.T, parsed *Template) {
	printed := parsed.String()
	if len(printed) > MaxTemplate {
		return // quotes and escapes made it too long
	}
	again, err := Parse(printed)
	if err != nil {
		t.Fatalf("printed as %q, which does not parse: %v", printed, err)
	}
	if again.String() != printed {
		t.Fatalf("printed as %q, then as %q", printed, again.String())
	}
	d := hostile(t, "<x> {{rule_name}} `y`")
	one, _ := parsed.Render(d, Plain)
	two, _ := again.Render(d, Plain)
	if one != two {
		t.Fatalf("renders %q, printed %q", one, two)
	}
}

// hostile is a signal that has the value wherever an event has a say.
func hostile(t *testing.T, value string) Data {
	q := schema.QuoteJSON(strings.ToValidUTF8(value, "\uFFFD"))
	event := schema.Event{Host: value, Service: value, Message: value, Tags: []string{"env:" + value}, Attributes: attributes(t, `{"a":`+q+`,"usr":{"id":`+q+`,"n":5}}`)}
	return Data{
		RuleName: "RULE", CaseName: "CASE", Severity: "high", EventsMatched: 7, PerQuery: map[string]uint64{"a": 1},
		FirstSeen: 1622469600000, LastSeen: 1622472207000, Timestamp: 1622472207500,
		Tags: event.Tags, Events: []schema.Event{event},
		Attributes: attributes(t, `{"v":`+q+`,"list":[`+q+`,1,true]}`),
	}
}

// FuzzRender keeps the promises of Render: it ends, its output is valid, no
// longer than allowed and escaped, and a value is never read as a template.
func FuzzRender(f *testing.F) {
	for i, s := range seeds(f) {
		f.Add(s, "<!channel> [x](y) {{rule_name}} {{{{raw}}}} `\r\nBcc: \\", uint8(i))
		f.Add(s, "plain", uint8(i))
	}
	f.Fuzz(func(t *testing.T, text, value string, to uint8) {
		value = strings.ToValidUTF8(value, "\uFFFD")
		if len(value) > MaxOutput/8 {
			return
		}
		start := time.Now()
		parsed := ParseLenient(text)
		d := hostile(t, value)
		for _, destination := range destinations {
			checkOutput(t, parsed, d, destination)
		}
		parsed.Handles(d)
		checkLiteral(t, parsed, text)
		checkEscapes(t, value)
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}

func checkOutput(t *testing.T, parsed *Template, d Data, to Destination) {
	out, truncated := parsed.Render(d, to)
	if len(out) > MaxOutput || !utf8.ValidString(out) {
		t.Fatalf("%d: %d bytes, valid %t", to, len(out), utf8.ValidString(out))
	}
	if truncated != strings.HasSuffix(out, cutMark(to)) && !strings.Contains(parsed.source, "(cut at") {
		t.Fatalf("%d: truncated %t, ends %q", to, truncated, out[max(0, len(out)-30):])
	}
	if to == Header && strings.ContainsAny(out, "\r\n\x00") {
		t.Fatalf("header has lines: %q", out)
	}
}

// checkLiteral renders a value that looks like a template and one that looks
// like nothing: the texts differ in that value only.
func checkLiteral(t *testing.T, parsed *Template, text string) {
	const nothing, planted = "Zq7Kx", "{{rule_name}}{{{{raw}}}}{{/if}}"
	if strings.Contains(text, "match") || strings.Contains(text, "urlencode") || strings.Contains(text, nothing) {
		return // these may rightly tell the values apart
	}
	one, cut1 := parsed.Render(hostile(t, nothing), Plain)
	two, cut2 := parsed.Render(hostile(t, planted), Plain)
	if !cut1 && !cut2 && strings.ReplaceAll(one, nothing, planted) != two {
		t.Fatalf("a value was read as a template: %q became %q", one, two)
	}
}

// checkEscapes reads the escaped value back, as its destination does.
func checkEscapes(t *testing.T, value string) {
	if value == "" {
		return
	}
	parsed := must(t, "{{@v}}")
	render := func(to Destination) string {
		out, _ := parsed.Render(hostile(t, value), to)
		return out
	}
	var back string
	if err := json.Unmarshal([]byte(`"`+render(JSONString)+`"`), &back); err != nil || back != value {
		t.Fatalf("JSON string %q reads back as %q (%v)", value, back, err)
	}
	if back, err := url.PathUnescape(render(URL)); err != nil || back != value {
		t.Fatalf("URL %q reads back as %q (%v)", value, back, err)
	}
	if out := render(Slack); strings.ContainsAny(out, "<>") || strings.Count(out, "&") != strings.Count(out, "&amp;")+strings.Count(out, "&lt;")+strings.Count(out, "&gt;") {
		t.Fatalf("Slack reads %q", out)
	}
	if out := render(HTML); strings.ContainsAny(out, "<>\"'`") {
		t.Fatalf("HTML reads %q", out)
	}
	if out := unescaped(render(Markdown)); strings.ContainsAny(out, "`*[]<>~|\n\r") {
		t.Fatalf("Markdown reads %q of %q", out, render(Markdown))
	}
	code, _ := must(t, "`{{@v}}`").Render(hostile(t, value), Markdown)
	if strings.Count(code, "`") != 2 || strings.Contains(code, "\n") {
		t.Fatalf("Markdown ends code in %q", code)
	}
}

// unescaped is Markdown without what a backslash made literal.
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

var generate = flag.Int("generate", 2000, "how many templates TestGeneratedTemplatesKeepThePromises makes")

// fragments are what the language is made of, and what breaks it.
var fragments = []string{
	"{{", "}}", "{", "}", "{{{", "}}}", "{{{{", "}}}}", "\\", "\\\\", " ", "\n", "\r\n", "\t", "text", "`", "```\n", "~~~", "](", "[", "]", "(", ")", "@", "@slack-", "<", "&", "é", "\x00", "\"", "'",
	"{{rule_name}}", "{{@v}}", "{{ @usr.id }}", "{{@list}}", "{{@usr}}", "{{{@v}}}", "{{&@v}}", "{{env.name}}", "{{[a.b].name}}", "{{host}}", "{{events_matched_per_query.a}}", "{{first_seen}}",
	"{{#if @v}}", "{{^if @no}}", "{{#if \"[a b]\"}}", "{{/if}}", "{{else}}", "{{#is_match \"host.name\" \"x\" 'y\"'}}", "{{^#is_match @v \"\"}}", "{{/is_match}}", "{{#is_exact_match \"@v\" \"a\\\\\" 5}}", "{{/is_exact_match}}",
	"{{{{raw}}}}", "{{{{/raw}}}}", "{{{{is_match \"@v\" \"x\"}}}}", "{{{{/is_match}}}}", "{{! c }}", "{{!-- }} --}}", "{{!", "--}}",
	"{{eval \"first_seen_epoch-15*60*1000\"}}", "{{eval '@usr.n/(events_matched-7)'}}", "{{eval \"2^-int(@v)\"}}", "{{eval \"", "{{local_time \"last_seen\" \"Asia/Tokyo\"}}", "{{local_time @v 'UTC'}}", "{{urlencode \"@v\"}}",
	"# ", "- ", "1. ", "[x](http://", "\n\n",
}

// TestGeneratedTemplatesKeepThePromises does what the fuzz targets do, on
// templates that more often parse.
func TestGeneratedTemplatesKeepThePromises(t *testing.T) {
	parsing := 0
	for seed := range *generate {
		g := rand.New(rand.NewPCG(uint64(seed), 1))
		assemble := func(n int) string {
			var b strings.Builder
			for range g.IntN(n) {
				b.WriteString(fragments[g.IntN(len(fragments))])
			}
			return b.String()
		}
		text, value := assemble(10), assemble(6)
		parsed, err := Parse(text)
		if err == nil {
			parsing++
			checkPrint(t, parsed)
		} else {
			checkPlace(t, text, err)
			parsed = ParseLenient(text)
		}
		parsed.Check("a")
		d := hostile(t, value)
		for _, to := range destinations {
			checkOutput(t, parsed, d, to)
		}
		parsed.Handles(d)
		checkLiteral(t, parsed, text)
		checkEscapes(t, value)
		if t.Failed() {
			t.Fatalf("seed %d, template %q, value %q", seed, text, value)
		}
	}
	if parsing < *generate/4 {
		t.Errorf("%d of %d templates parse: too few to mean anything", parsing, *generate)
	}
}
