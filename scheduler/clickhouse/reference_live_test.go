package clickhouse

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	intake "nightjar/ingest/clickhouse"
	"nightjar/migrations"
	"nightjar/scheduler"
	"nightjar/scheduler/reference"
	"nightjar/schema"
	"nightjar/testenv"
)

// arrived are events that are all stored.
type arrived struct{ through atomic.Uint64 }

func (a *arrived) Acknowledged() uint64 { return a.through.Load() }
func (a *arrived) Stored() uint64       { return a.through.Load() }

// StoredChanged has always something to look for.
func (a *arrived) StoredChanged() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// engine is the evaluation of rules over a real server, which is where all
// events are read from.
type engine struct {
	t       *testing.T
	conn    driver.Conn
	tables  *reference.Tables
	arrived *arrived
	clock   schema.Millis // of the tables
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	e := &engine{t: t, conn: testenv.ClickHouse(t), arrived: &arrived{}}
	if _, err := migrations.Apply(t.Context(), e.conn, schema.Tables); err != nil {
		t.Fatal(err)
	}
	e.open()
	return e
}

func (e *engine) open() {
	e.t.Helper()
	e.tables = reference.New(New(e.conn).References(), func() schema.Millis { return e.clock })
	if err := e.tables.Open(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
}

// start loads a scheduler; it evaluates until the test or stop ends it.
func (e *engine) start() (s *scheduler.Scheduler, stop func()) {
	e.t.Helper()
	deps := New(e.conn).Deps()
	deps.Arrivals, deps.Tables, deps.Log = e.arrived, e.tables, slog.New(slog.NewTextHandler(io.Discard, nil))
	deps.Lateness, deps.Pace = 100*365*24*time.Hour, time.Millisecond
	s, err := scheduler.New(deps)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := s.Load(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(e.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Error(err)
		}
	}
}

func (e *engine) store(events []schema.Event) {
	e.t.Helper()
	last := e.arrived.through.Load()
	for i := range events {
		last++
		events[i].Seq = last
	}
	if err := intake.New(e.conn).Insert(e.t.Context(), e.t.Name()+events[0].ID(), events); err != nil {
		e.t.Fatal(err)
	}
	e.arrived.through.Store(last)
}

func (e *engine) catchUp(s *scheduler.Scheduler) {
	e.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !s.Status.Progress().CaughtUp; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			e.t.Fatalf("not caught up: %+v", s.Status.Progress())
		}
	}
}

// groups are the groups that the rule of this name has signals about, and how
// many events they have.
func (e *engine) groups(rule string) map[string]uint64 {
	e.t.Helper()
	rows, err := e.conn.Query(e.t.Context(), `SELECT group[1], sum(events) FROM signals FINAL WHERE rule_id = '`+rule+`' GROUP BY group[1]`)
	if err != nil {
		e.t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]uint64{}
	for rows.Next() {
		var group string
		var n uint64
		if err := rows.Scan(&group, &n); err != nil {
			e.t.Fatal(err)
		}
		out[group] = n
	}
	return out
}

func (e *engine) table(name, file string) string {
	e.t.Helper()
	open := func() *reference.CSV {
		csv, err := reference.NewCSV(strings.NewReader(file), reference.CSVOptions{})
		if err != nil {
			e.t.Fatal(err)
		}
		return csv
	}
	table, err := e.tables.Create(e.t.Context(), reference.Table{Name: name, Fields: open().Fields, Key: open().Fields[0].Name})
	if err != nil {
		e.t.Fatal(err)
	}
	e.fill(table.ID, file)
	return table.ID
}

func (e *engine) fill(id, file string) {
	e.t.Helper()
	csv, err := reference.NewCSV(strings.NewReader(file), reference.CSVOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.tables.Import(e.t.Context(), id, csv, ""); err != nil {
		e.t.Fatal(err)
	}
}

func (e *engine) rule(s *scheduler.Scheduler, field, table, column string, present bool) (id string, warnings []string) {
	e.t.Helper()
	rule, err := s.RuleStore.CreateRule(e.t.Context(), schema.Rule{
		Name: "asks " + table, IsEnabled: true,
		Queries: []schema.RuleQuery{{Query: field + ":*", GroupByFields: []string{field}}},
		Cases:   []schema.RuleCase{{Status: "info", Condition: "a > 0"}},
		ReferenceTables: []schema.ReferenceTable{{
			TableName: table, ColumnName: column, LogFieldPath: field, RuleQueryName: "a", CheckPresence: present,
		}},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return rule.Rule().ID, rule.Warnings
}

func visit(t *testing.T, who string, seen schema.Millis) schema.Event {
	t.Helper()
	attributes, err := schema.ParseAttributes(`{"who":"` + who + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	return schema.Event{At: seen, Seen: seen, Attributes: attributes}
}

func TestAnEventSeesTheTableOfItsArrival(t *testing.T) {
	e := newEngine(t)
	const day = 1_700_000_000_000
	s, stop := e.start()
	in, warnings := e.rule(s, "@who", "list", "name", true)
	out, _ := e.rule(s, "@who", "list", "name", false)
	if len(warnings) != 1 || !strings.Contains(warnings[0], `no reference table "list"`) {
		t.Errorf("warnings %q do not tell that there is no table", warnings)
	}
	e.store([]schema.Event{visit(t, "early", day+100)})
	e.catchUp(s)
	if diff := cmp.Diff(map[string]uint64{}, e.groups(in)); diff != "" {
		t.Errorf("in a table that there is not (-want +got):\n%s", diff)
	}
	e.clock = day + 1000
	id := e.table("list", "name\nann\nbob\n")
	e.clock = day + 2000
	e.fill(id, "name\nbob\ncid\n")
	e.clock = day + 3000
	if err := e.tables.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	// All of these come to evaluation now, and each sees what there was then.
	events := func() []schema.Event {
		return []schema.Event{
			visit(t, "ann", day+10), visit(t, "cid", day+20), // the first version counts for all time before
			visit(t, "ann", day+1500), visit(t, "cid", day+1510), visit(t, "bob", day+1520),
			visit(t, "ann", day+2500), visit(t, "cid", day+2510), visit(t, "bob", day+2520),
			visit(t, "bob", day+3500), // it is gone
		}
	}
	wantIn := map[string]uint64{"ann": 2, "bob": 2, "cid": 1}
	wantOut := map[string]uint64{"early": 1, "ann": 1, "bob": 1, "cid": 2}
	e.store(events())
	e.catchUp(s)
	stop()
	check := func() {
		t.Helper()
		if diff := cmp.Diff(wantIn, e.groups(in)); diff != "" {
			t.Errorf("in the table (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantOut, e.groups(out)); diff != "" {
			t.Errorf("not in the table (-want +got):\n%s", diff)
		}
	}
	check()
	// After a restart the same events mean the same.
	e.open()
	e.store(events())
	s, stop = e.start()
	defer stop()
	e.catchUp(s)
	for _, want := range []map[string]uint64{wantIn, wantOut} {
		for who := range want {
			if who != "early" {
				want[who] *= 2
			}
		}
	}
	check()
}

func TestLoginsAreInTheListsTheyAreInLive(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "data/threat-intel/expected_joins.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for file, want := range all {
		e := newEngine(t)
		e.clock = schema.MillisOf(time.Now())
		s, stop := e.start()
		defer stop()
		ids := map[string][2]string{}
		for _, list := range []struct{ key, file, column string }{
			{"in_ipsum", "ipsum.csv", "ip"},
			{"in_x4b_datacenter_cidr", "x4b_datacenter_ipv4_cidr.txt", "value"},
			{"in_x4b_vpn_cidr", "x4b_vpn_ipv4_cidr.txt", "value"},
			{"in_public_dns", "misp_public_dns_v4.txt", "value"},
			{"in_tor", "tor_exit_nodes.txt", "value"},
		} {
			content, err := os.ReadFile(testenv.Shared(t, "data/threat-intel/"+list.file))
			if err != nil {
				t.Fatal(err)
			}
			e.table(list.key, string(content))
			in, warnings := e.rule(s, "@src_ip", list.key, list.column, true)
			out, _ := e.rule(s, "@src_ip", list.key, list.column, false)
			if len(warnings) > 0 {
				t.Errorf("%s: %q", list.key, warnings)
			}
			ids[list.key] = [2]string{in, out}
		}
		e.store(logins(t, testenv.Shared(t, "data/auth/"+file)))
		e.catchUp(s)
		for key, rules := range ids {
			var got [2]uint64
			for i, rule := range rules {
				for _, n := range e.groups(rule) {
					got[i] += n
				}
			}
			in := uint64(want[key].(float64))
			if rest := uint64(want["events_with_src_ip"].(float64)) - in; got != [2]uint64{in, rest} {
				t.Errorf("%s of %s: in and not in %d, want %d and %d", key, file, got, in, rest)
			}
		}
	}
}

func logins(t *testing.T, path string) []schema.Event {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var events []schema.Event
	for lines := bufio.NewScanner(file); lines.Scan(); {
		attributes, err := schema.ParseAttributes(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		at := schema.Millis(1_700_000_000_000 + len(events))
		events = append(events, schema.Event{At: at, Seen: at, Attributes: attributes})
	}
	return events
}
