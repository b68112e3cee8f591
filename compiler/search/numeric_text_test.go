package search_test

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestTextsThatAreNumbersCompareAsNumbers asks both readers of texts in every
// place where there are some: an attribute, a list, a list of several kinds, a
// typed path, a tag and a reserved field.
func TestTextsThatAreNumbersCompareAsNumbers(t *testing.T) {
	texts := []string{
		"9", "10", "-10", "+10", "007", "1e1", "10.0", "1.5E+2", "9007199254740993", "9007199254740992", "99999999999999999999",
		"", "abc", " 9", "9 ", "9.", ".9", "0x9", "9a", "1e", "1e+", "--9", "inf", "nan", "1e400", "1_0", "９",
	}
	var events []schema.Event
	for _, text := range texts {
		quoted := schema.QuoteJSON(text)
		a, err := schema.ParseAttributes(fmt.Sprintf(`{"one":%s,"many":[%s,"zzz"],"mixed":[%s,false],"usr":{"id":%s},"file":{"path":[%s,"zzz"]}}`, quoted, quoted, quoted, quoted, quoted))
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, schema.Event{At: 1, Seen: 1, Host: text, Tags: []string{"k:" + text}, Attributes: a})
	}
	w := searchtest.NewWorld(t, events)
	for _, c := range []struct{ query, want string }{
		{"%s:>9", `"10" "+10" "1e1" "10.0" "1.5E+2" "9007199254740993" "9007199254740992" "99999999999999999999" "abc" "9 " "9." "9a" "inf" "nan" "９"`},
		{"%s:[9 TO 10]", `"9" "10" "+10" "1e1" "10.0"`},
		{"%s:[9.0 TO 1e1}", `"9"`},
		{"%s:>=9007199254740993", `"9007199254740993" "99999999999999999999" "abc" "9a" "inf" "nan" "９"`},
		{"%s:<=9007199254740992", `"9" "10" "-10" "+10" "007" "1e1" "10.0" "1.5E+2" "9007199254740992" "" " 9" "9 " "9." ".9" "0x9" "1e" "1e+" "--9" "1e400" "1_0"`},
		{"%s:{-10 TO 0.5]", `".9"`}, // which is a text between two others
		{`%s:["9" TO "9007199254740993"]`, `"9" "9007199254740993" "9007199254740992" "9 " "9."`},
		{"%s:[1 TO abc]", `"9" "10" "1e1" "10.0" "1.5E+2" "9007199254740993" "9007199254740992" "99999999999999999999" "abc" "9 " "9." "9a" "1e" "1e+" "1e400" "1_0"`},
		{"%s:500", ``}, {"%s:10", `"10"`}, {"%s:1e1", `"10" "1e1"`}, // equality is that of texts
	} {
		for _, field := range []string{"@one", "@many", "@mixed", "@usr.id", "@file.path", "k", "host"} {
			q, err := search.Parse(fmt.Sprintf(c.query, field))
			if err != nil {
				t.Fatal(err)
			}
			w.Agree(t, q)
			var got []string
			for _, seq := range w.Recall(q) {
				got = append(got, fmt.Sprintf("%q", texts[seq-1]))
			}
			want := c.want
			if field == "host" { // an empty reserved field is missing
				want = strings.ReplaceAll(want, `"" `, "")
			}
			if field == "k" || field == "host" { // of which a number is no other text
				if c.query == "%s:1e1" {
					want = `"1e1"`
				}
			}
			if field == "@many" || field == "@file.path" { // whose other text is greater than any bound without an end
				if strings.HasPrefix(c.query, "%s:>") {
					continue
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s finds\n%s\nwant\n%s", q, strings.Join(got, " "), want)
			}
		}
	}
}
