package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/schema"
)

func TestSearchMistakesAndAnswersOnTheCommandLine(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	p.await("stored", func() bool { return p.count("SELECT count() FROM events") == 1206 })

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
	var list []struct{ ID string }
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
	p.await("stored", func() bool { return p.count("SELECT count() FROM events WHERE attributes.usr.id = 'x'") == 1 })
	stdout, _, code = p.run("search", "source:app @usr.id:x", "--explain")
	for _, want := range []string{"TREE\n  all of\n    source is \"app\"", "SQL\n  SELECT", "\n  WHERE", "PARAMETERS\n  p0 = ", "primary key", "→", "skip by_usr_id"} {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	t.Log(stdout)
}
