package template

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nightjar/schema"
	"nightjar/testenv"
)

// TestTemplatesInTheWildParse reads every text of the real rules that is a
// template.
func TestTemplatesInTheWildParse(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Shared(t, "conformance/rules"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	texts, tags := 0, 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var rule schema.Rule
		if err := json.Unmarshal(body, &rule); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, text := range templatesOf(&rule) {
			texts++
			tags += strings.Count(text, "{{")
			parsed, err := Parse(text)
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(file), err)
				continue
			}
			if parsed.String() != strings.ReplaceAll(strings.ReplaceAll(text, "{{ ", "{{"), " }}", "}}") {
				t.Errorf("%s: printed as\n%s", filepath.Base(file), parsed)
			}
		}
	}
	if len(files) < 80 || texts < 150 || tags < 100 {
		t.Errorf("read %d texts with %d tags of %d rules: too few to mean anything", texts, tags, len(files))
	}
}

func templatesOf(r *schema.Rule) []string {
	list := []string{r.Name, r.Message, r.CustomName, r.CustomMessage}
	if o := r.Options.ThirdParty; o != nil {
		list = append(list, o.SignalTitleTemplate)
	}
	return list
}

func must(t testing.TB, text string) *Template {
	t.Helper()
	parsed, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func withValue(t testing.TB, value string) Data {
	return Data{RuleName: "RULE", Severity: "high", Attributes: attributes(t, `{"v":`+schema.QuoteJSON(value)+`}`)}
}

func TestOutputIsCutAtACharacterWithAMark(t *testing.T) {
	for name, to := range destinations {
		for _, value := range []string{strings.Repeat("é<&", MaxOutput/3), strings.Repeat("\x00", MaxOutput), strings.Repeat("ab", MaxOutput)} {
			text, truncated := must(t, "x{{@v}}").Render(withValue(t, value), to)
			if !truncated || len(text) > MaxOutput || len(text) < MaxOutput-64 || !utf8.ValidString(text) || !strings.HasSuffix(text, cutMark(to)) {
				t.Errorf("%s: truncated %t, %d bytes, ends with %q", name, truncated, len(text), text[len(text)-40:])
			}
			body := strings.TrimSuffix(text, cutMark(to))
			if i := strings.LastIndexAny(body, `&\`); i >= 0 && to != Plain && to != Header && to != URL && len(body)-i < 2 {
				t.Errorf("%s: an escape is cut: %q", name, body[len(body)-10:])
			}
		}
	}
	own := strings.Repeat("é", MaxTemplate/2)
	if text, truncated := must(t, own).Render(Data{}, Plain); truncated || text != own {
		t.Error("64 KiB are not too long")
	}
}

func TestNestingIsBounded(t *testing.T) {
	nested := func(n int) string {
		return strings.Repeat("{{#if @v}}", n) + "x" + strings.Repeat("{{/if}}", n)
	}
	if text, _ := must(t, nested(MaxDepth)).Render(withValue(t, "1"), Plain); text != "x" {
		t.Errorf("got %q", text)
	}
	for _, text := range []string{
		nested(MaxDepth + 1), `{{eval "` + strings.Repeat("(", 1000) + `1"}}`, `{{eval "` + strings.Repeat("-", 1000) + `1"}}`,
		`{{eval "` + strings.Repeat("2^", 1000) + `2"}}`, `{{eval "1` + strings.Repeat("+1", 5000) + `"}}`,
		strings.Repeat("{{v}}", maxTags+1), strings.Repeat("x", MaxTemplate+1),
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%.40s… parses", text)
		}
		ParseLenient(text).Render(withValue(t, "1"), Plain)
	}
}

// TestWorkIsBounded renders templates made to look at a large event often.
func TestWorkIsBounded(t *testing.T) {
	big := `{"v":"` + strings.Repeat("x", 1<<20) + `","o":{` + strings.Repeat(`"k":{"a":1},`, 1000) + `"z":0},"list":["` + strings.Repeat(`","`, 100_000) + `"]}`
	d := Data{Attributes: attributes(t, big)}
	for range 9 {
		d.Events = append(d.Events, schema.Event{Attributes: d.Attributes})
	}
	for _, text := range []string{
		strings.Repeat(`{{#is_match "@v" "y"}}{{/is_match}}`, 1800), strings.Repeat("{{@list}}", maxTags), strings.Repeat("{{@o}}{{@v}}", 2000),
		strings.Repeat(`{{#is_match "@list" "y"`+strings.Repeat(` "z"`, 500)+`}}{{/is_match}}`, 30), strings.Repeat("`{{v}}", maxTags), strings.Repeat("{{! ", 16000),
		strings.Repeat("{{{", 20000), strings.Repeat("` `` ``` ", 7000), strings.Repeat("`{{severity}}", maxTags),
	} {
		start := time.Now()
		text, _ := ParseLenient(text).Render(d, Markdown)
		if took := time.Since(start); took > 2*time.Second || len(text) > MaxOutput {
			t.Errorf("%.30s… took %s for %d bytes", text, took, len(text))
		}
	}
}

// TestARenderingStopsWhereItLookedAtTooMuch also says so, as if too long.
func TestARenderingStopsWhereItLookedAtTooMuch(t *testing.T) {
	d := withValue(t, strings.Repeat("x", 1<<20))
	costly := `{{#is_match "@v" "y"}}{{/is_match}}`
	if text, truncated := must(t, strings.Repeat(costly, 10)+"end").Render(d, Plain); truncated || text != "end" {
		t.Errorf("ten looks at a megabyte: %q, truncated %t", text, truncated)
	}
	if text, truncated := must(t, strings.Repeat(costly, 100)+"end").Render(d, Plain); !truncated || text != cutMark(Plain) {
		t.Errorf("a hundred: %q, truncated %t", text, truncated)
	}
	many := must(t, strings.Repeat("{{@v}}", 2)).run(Data{Events: slices.Repeat([]schema.Event{{Attributes: d.Attributes}}, 100)})
	if !many.stopped || many.size > 3*MaxOutput {
		t.Errorf("a hundred megabytes of values: stopped %t at %d bytes", many.stopped, many.size)
	}
}

func TestATemplateOfAStoredRuleIsNeverLost(t *testing.T) {
	for _, text := range []string{"{{#if @v}}", "a\xffb {{@v}}", "{{{{raw}}}}", strings.Repeat("y", 2*MaxTemplate), "{{else}}"} {
		parsed := ParseLenient(text)
		out, _ := parsed.Render(withValue(t, "value"), Plain)
		if out == "" || !utf8.ValidString(out) {
			t.Errorf("%q renders %q", text, out)
		}
	}
	if len(ParseLenient("{{#if @v}}").Check()) != 1 {
		t.Error("nobody is told")
	}
}

func BenchmarkMessage(b *testing.B) {
	text := strings.Repeat("1. Determine if the user `{{@usr.email}}` intended it, {{#if @usr.id}}{{@usr.id}}{{/if}} at {{first_seen}}.\n", 50)
	d := Data{Attributes: attributes(b, `{"usr":{"email":"a@b.c","id":"x"}}`)}
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			must(b, text)
		}
	})
	parsed := must(b, text)
	b.Run("render", func(b *testing.B) {
		for b.Loop() {
			parsed.Render(d, Markdown)
		}
	})
}
