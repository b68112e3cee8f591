package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/compiler"
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
		query, err := compiler.ParseQuery(text)
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

func TestSearchMistakesAndAnswersOnTheCommandLine(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	event := writeFile(t, `{"message":"Failed password for root", "n": 5}`)
	broken := writeFile(t, "{\"message\":\"a\"}\n{\"message\":}\n")
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		says   string
	}{
		{[]string{"-@n:6", "--event", event}, exitOK, `{"match":true}` + "\n", ""},
		{[]string{"@n:6", "--event", event}, exitOK, `{"match":false}` + "\n", ""},
		{[]string{"@n:[1 TO", "--event", event}, exitFailure, `{"error":{"line":1,"column":`, "1:"},
		{[]string{"a", "--event", broken}, exitFailure, "", "line 2"},
		{[]string{"a", "--events", broken}, exitFailure, `{"message":"a"}` + "\n", ":2: "},
		{[]string{"a (", "--events", broken}, exitFailure, "", "1:"},
		{[]string{"a", "--events", "absent"}, exitFailure, "", "absent"},
		{[]string{"a", "b"}, exitUsage, "", "one query"},
		{[]string{}, exitUsage, "", "one query"},
		{[]string{"a", "--nonsense"}, exitUsage, "", "nonsense"},
		{[]string{"a", "--output", "xml"}, exitUsage, "", "xml"},
		{[]string{"a", "--reader", "tea"}, exitUsage, "", "tea"},
		{[]string{"a", "--limit", "-1"}, exitUsage, "", "--limit"},
		{[]string{"a", "--events", event, "--event", event}, exitUsage, "", "one of them"},
		{[]string{"a", "--events", event, "--from", "soon"}, exitUsage, "", "--from"},
		{[]string{"--help"}, exitOK, "Finds the events", ""},
		{[]string{"a", "-h"}, exitOK, "--reader", ""},
	} {
		cmd := exec.Command(path, append([]string{"search"}, c.args...)...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run() // the exit code is looked at
		if code := cmd.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%q: exit %d, want %d: %s", c.args, code, c.code, errs.String())
		}
		if !strings.Contains(out.String(), c.stdout) || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%q: printed %q and said %q", c.args, out.String(), errs.String())
		}
	}
}

// What a search prints can be fed to whatever reads events, and means the same
// events there.
func TestSearchPrintsWhatIsStored(t *testing.T) {
	p := startEngine(t)
	var lines []string
	for i := range 1205 {
		lines = append(lines, fmt.Sprintf(`{"timestamp":%d,"source":"app","service":"web","host":"h%d","status":"error","message":"It's \"odd\" <&> %d","tags":["env:prod","n%d"],"attributes":{"n":%d,"big":9007199254740993,"id":"mine-%d"}}`,
			1_772_366_400_000+i*1000, i%3, i, i%2, i, i))
	}
	file := writeFile(t, strings.Join(lines, "\n")+"\n"+`{"timestamp":1772366300000,"message":"bare"}`+"\n")
	if _, stderr, code := p.run("ingest", "--source", "none", file); code != exitOK {
		t.Fatal(stderr)
	}
	p.await("stored", 20*time.Second, func() bool { return p.count("SELECT count() FROM events") == 1206 })

	stdout, stderr, code := p.run("search", "source:app -@n:7", "--limit", "0")
	got := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != exitOK || len(got) != 1204 || stderr != "" {
		t.Fatalf("%d lines, exit %d, %s", len(got), code, stderr)
	}
	if want := `{"id":"mine-1204","timestamp":1772367604000,"source":"app","service":"web","host":"h1","status":"error","message":"It's \"odd\" <&> 1204","tags":["env:prod","n0"],"attributes":{"n":1204,"big":9007199254740993}}`; got[0] != want {
		t.Errorf("got  %s\nwant %s", got[0], want)
	}
	// Read again, they are the events of the file.
	original := map[string]schema.Event{}
	for _, line := range lines {
		e, err := ingest.NewOffline(time.Now(), nil, nil).Record([]byte(line), true)
		if err != nil {
			t.Fatal(err)
		}
		original[e.Values(schema.ParseField("@id"))[0]] = e
	}
	for _, line := range got {
		e, err := ingest.NewOffline(time.Now(), nil, nil).Record([]byte(line), true)
		if err != nil {
			t.Fatal(err)
		}
		want := original[e.Values(schema.ParseField("@id"))[0]]
		if e.At != want.At || e.Message != want.Message || !slices.Equal(e.Tags, want.Tags) || !slices.Equal(e.Leaves, want.Leaves) {
			t.Fatalf("%s is not %+v", line, want)
		}
	}
	stdout, stderr, _ = p.run("search", "source:app", "--limit", "5", "--output", "table")
	if strings.Count(stdout, "\n") != 6 || !strings.Contains(stderr, "only the first 5") || !strings.Contains(stdout, "TIME") {
		t.Errorf("%s%s", stdout, stderr)
	}
	stdout, _, _ = p.run("search", "bare", "--from", "2026-03-01T11:58:20Z", "--to", "1772366300001", "--output", "json")
	var list []eventLine
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || len(list) != 1 || len(list[0].ID) < 20 {
		t.Errorf("%s, %v", stdout, err)
	}
	if stdout, _, _ = p.run("search", "source:app", "--from", "-1h"); stdout != "" {
		t.Errorf("there is nothing of the last hour, got %s", stdout)
	}
	_, stderr, code = p.run("search", "source:app (")
	if code != exitFailure || !strings.Contains(stderr, "1:") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	// The SQL asks for attributes that are stored somewhere; this one was not yet.
	p.call(http.MethodPost, "/api/v2/logs", []byte(`{"ddsource":"app","message":"m","usr":{"id":"x"}}`), nil)
	p.await("stored", 10*time.Second, func() bool { return p.count("SELECT count() FROM events WHERE attributes.usr.id = 'x'") == 1 })
	stdout, _, code = p.run("search", "source:app @usr.id:x", "--explain")
	for _, want := range []string{"TREE\n  all of\n    source is \"app\"", "SQL\n  SELECT", "\n  WHERE", "PARAMETERS\n  p0 = ", "primary key", "→", "skip by_usr_id"} {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	t.Log(stdout)
}
