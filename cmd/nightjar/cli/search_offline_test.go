package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/compiler/search"
	"nightjar/ingest"
	"nightjar/ingest/files"
	"nightjar/schema"
	"nightjar/testenv"
)

type searchCase struct {
	Name, Query, Expect, Tier string
	Event                     json.RawMessage
}

func searchCases(t *testing.T) []searchCase {
	t.Helper()
	text, err := os.ReadFile(testenv.Shared(t, "conformance/log_search.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []searchCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var core []searchCase
	for _, c := range file.Cases {
		if c.Tier == "core" {
			core = append(core, c)
		}
	}
	if len(core) < 600 {
		t.Fatalf("%d core cases, at least 600 are expected", len(core))
	}
	return core
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every core case gets its answer from `search QUERY --event FILE`.
func TestSearchEventAnswersEveryCase(t *testing.T) {
	for _, c := range searchCases(t) {
		event := string(c.Event)
		if event == "" || event == "null" {
			event = `{"message":"x"}`
		}
		var out bytes.Buffer
		err := searchEvent(&out, question{text: c.Query}, writeFile(t, event), ingest.NewOffline(time.Now(), nil, nil))
		var answer struct {
			Match *bool
			Error *mistake
		}
		if e := json.Unmarshal(out.Bytes(), &answer); e != nil {
			t.Fatalf("%q: %v in %q", c.Query, e, out.String())
		}
		got := "parse_error"
		switch {
		case answer.Error != nil:
			if err == nil || answer.Error.Line < 1 || answer.Error.Column < 1 || answer.Error.Message == "" {
				t.Errorf("%q: %+v, %v", c.Query, answer.Error, err)
			}
		case c.Expect == "parse_ok":
			got = "parse_ok"
		default:
			got = map[bool]string{true: "matches", false: "no_match"}[*answer.Match]
		}
		if got != c.Expect {
			t.Errorf("%s: %q of %s: %s, want %s", c.Name, c.Query, event, got, c.Expect)
		}
	}
}

// The lines that --events prints are the same with both readers, byte for byte.
func TestReadersOfFilesAgree(t *testing.T) {
	testenv.RequireLibrary(t)
	var file strings.Builder
	var queries []string
	for i, c := range searchCases(t) {
		if c.Expect != "matches" && c.Expect != "no_match" {
			continue
		}
		var one bytes.Buffer
		if err := json.Compact(&one, c.Event); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, "  %s\r\n\n", one.Bytes())
		if i%7 == 0 && !slices.Contains(queries, c.Query) {
			queries = append(queries, c.Query)
		}
	}
	path := writeFile(t, strings.TrimSuffix(file.String(), "\r\n\n"))
	server, err := startReader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	printed := 0
	for _, text := range queries {
		query, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		server.query = query
		memory, sql := grepped(t, path, inMemory(query)), grepped(t, path, server.match)
		if memory != sql {
			t.Errorf("%q:\nmemory %s\nsql    %s", text, memory, sql)
		}
		printed += strings.Count(memory, "\n")
		for line := range strings.Lines(memory) {
			if !strings.Contains(file.String(), "  "+strings.TrimSuffix(line, "\n")+"\r\n") {
				t.Errorf("%q: no such line: %q", text, line)
			}
		}
	}
	if len(queries) < 30 || printed < 200 {
		t.Errorf("only %d queries, %d lines", len(queries), printed)
	}
}

func grepped(t *testing.T, path string, match matcher) string {
	t.Helper()
	var out bytes.Buffer
	b := &batchOfLines{w: &out, match: match, within: func(*schema.Event) bool { return true }}
	err := eventFile{path, ingest.NewOffline(time.Now(), nil, nil)}.each(func(r files.Record, e *schema.Event) error {
		return b.add(t.Context(), r.Text, *e)
	})
	if err == nil {
		err = b.flush(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A file of more values than one request may hold is read to its end.
func TestLongFileIsSearchedWhole(t *testing.T) {
	var file strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&file, `{"message":"m","n":%d,"list":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}`+"\n", i)
	}
	var out bytes.Buffer
	all := func(*schema.Event) bool { return true }
	if err := searchEvents(context.Background(), &out, question{text: "@n:>59990"}, writeFile(t, file.String()), "memory", ingest.NewOffline(time.Now(), nil, nil), all); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 9 {
		t.Errorf("%d lines, want 9", n)
	}
}

func TestQueriesThatBeginWithAMinusAreNoFlags(t *testing.T) {
	for _, c := range []struct {
		args  []string
		query string
		from  string
	}{
		{[]string{"-status:info"}, "-status:info", ""},
		{[]string{"--from", "-1h", "-a", "--limit=3"}, "-a", "-1h"},
		{[]string{"-(a OR b)", "--from=-1h"}, "-(a OR b)", "-1h"},
		{[]string{"--from", "-1h", "--", "--a"}, "--a", "-1h"},
		{[]string{"", "--explain"}, "", ""},
		{[]string{"--explain", "-[1 TO 10]"}, "-[1 TO 10]", ""},
	} {
		command := newSearch()
		query, help, err := searchArgs(command, c.args)
		from, _ := command.Flags().GetString("from")
		if err != nil || help || query != c.query || from != c.from {
			t.Errorf("%q: %q, from %q, %v", c.args, query, from, err)
		}
	}
}
