package files

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const zeekLogText = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#open\t2023-11-14-22-13-20\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\thost\tlocal\ttags\tports\tnote\tduration\n" +
	"#types\ttime\tstring\taddr\tport\tstring\tbool\tset[enum]\tvector[port]\tstring\tinterval\n" +
	"1700000000.123456\tC1\t192.0.2.1\t4711\texample.com\tT\t(empty)\t80,443\ta\\x09b \"q\"\t0.5\n" +
	"1700000001.000000\tC2\t2001:db8::1\t4712\t-\tF\tA,B\t-\t(empty)\t-\n" +
	"#close\t2023-11-14-23-00-00\n"

// TestAZeekLogGivesTheRecordsOfItsJSON has one log of columns, and as Zeek writes it
// as JSON.
func TestAZeekLogGivesTheRecordsOfItsJSON(t *testing.T) {
	asJSON := `{"_path":"http","ts":1700000000.123456,"uid":"C1","id.orig_h":"192.0.2.1","id.orig_p":4711,"host":"example.com","local":true,"tags":[],"ports":[80,443],"note":"a\tb \"q\"","duration":0.5}
{"_path":"http","ts":1700000001.000000,"uid":"C2","id.orig_h":"2001:db8::1","id.orig_p":4712,"local":false,"tags":["A","B"],"note":""}`
	want, _, err := all(t, written(t, "http.json", []byte(asJSON)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := []byte(zeekLogText)
	for name, content := range map[string][]byte{
		"http.log": log, "http.tsv": log, "http.log.gz": packed(t, log, gzipWriter), "a.zip": zipped(t, []string{string(log)}),
		"two in one": []byte(zeekLogText[:strings.LastIndex(zeekLogText, "1700000001")] + strings.Replace(zeekLogText, zeekLogText[strings.Index(zeekLogText, "1700000000"):strings.Index(zeekLogText, "1700000001")], "", 1)),
	} {
		got, _, err := all(t, written(t, name, content), Options{})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	for _, c := range []struct{ content, says string }{
		{zeekLogText + "1\t2\n", "x.log:12: 2 values for 10 columns"},
		{"#separator \\x09\n1\t2\n", "x.log:2: a row of a Zeek log before #fields"},
	} {
		if _, _, err := all(t, written(t, "x.log", []byte(c.content)), Options{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

// FuzzZeek reads rows of any text under any types.
func FuzzZeek(f *testing.F) {
	f.Add(zeekLogText)
	f.Add("#separator |\n#fields|a|b\n#types|vector[set[count]]|time\nx|y\n")
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, zeekHead) {
			text = zeekHead + "\\x09\n" + text
		}
		_ = Read("x", strings.NewReader(text), Options{MaxRecord: 1 << 16}, func(r Record) error {
			if !r.JSON || !json.Valid(r.Text) {
				t.Errorf("no JSON: %s", r.Text)
			}
			return nil
		})
	})
}
