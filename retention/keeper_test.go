package retention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

var now = time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)

func database(t *testing.T) driver.Conn {
	t.Helper()
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, schema.Tables); err != nil {
		t.Fatal(err)
	}
	return conn
}

func exec(t *testing.T, conn driver.Conn, sql string) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// events stores a thousand events for each of the last days, today included,
// which all claim to have happened long ago.
func events(t *testing.T, conn driver.Conn, days int) {
	t.Helper()
	for d := range days {
		exec(t, conn, fmt.Sprintf("INSERT INTO events (seq, timestamp, seen, message) SELECT %d + number, '2020-01-01 00:00:00', toDateTime64('%s', 3, 'UTC'), randomPrintableASCII(500) FROM numbers(1000)",
			1+1000*(days-1-d), now.AddDate(0, 0, -d).Format(time.DateTime)))
	}
}

func days(t *testing.T, conn driver.Conn) (out []string) {
	t.Helper()
	var list []string
	if err := conn.QueryRow(t.Context(), "SELECT groupUniqArray(toString(toDate(seen))) AS d FROM events").Scan(&list); err != nil {
		t.Fatal(err)
	}
	for d := range 10 {
		for _, have := range list {
			if day := now.AddDate(0, 0, d-9).Format(time.DateOnly); have == day {
				out = append(out, day[8:])
			}
		}
	}
	return out
}

func keeper(t *testing.T, conn driver.Conn, edit func(*Deps)) (*Keeper, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	deps := Deps{
		Conn: conn, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Record: filepath.Join(t.TempDir(), "retention.json"), Metrics: prometheus.NewRegistry(),
	}
	edit(&deps)
	k, err := New(deps)
	if err != nil {
		t.Fatal(err)
	}
	return k, &log
}

func enforce(t *testing.T, k *Keeper) []Drop {
	t.Helper()
	drops, err := k.Enforce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return drops
}

func TestEventsGoByDayOfArrivalWhenTheirTimeIsUp(t *testing.T) {
	conn := database(t)
	events(t, conn, 5)
	k, log := keeper(t, conn, func(d *Deps) { d.Policy.Events = 2 * day })
	drops := enforce(t, k)
	// The 7th ended on the 8th at 0:00, which is more than two days ago.
	if got := days(t, conn); !cmp.Equal(got, []string{"08", "09", "10"}) {
		t.Errorf("days %v are left", got)
	}
	if len(drops) != 2 || drops[0].Rows != 1000 || drops[0].What != "20260506" || drops[0].Reason != "age" {
		t.Errorf("dropped %+v", drops)
	}
	if !strings.Contains(log.String(), "dropped by age") || !strings.Contains(log.String(), "20260507") {
		t.Errorf("the log does not say so: %s", log)
	}
	if again := enforce(t, k); len(again) != 0 {
		t.Errorf("a second round dropped %+v", again)
	}
}

func TestTheOldestDaysGoWhenTheQuotaIsUsedUp(t *testing.T) {
	conn := database(t)
	events(t, conn, 5)
	whole, _ := keeper(t, conn, func(*Deps) {})
	enforce(t, whole)
	used := whole.Report().Used
	if used < 5*400_000 {
		t.Fatalf("only %d bytes are used", used)
	}
	k, log := keeper(t, conn, func(d *Deps) {
		d.Policy.DiskQuota = used * 7 / 10
		d.Evaluated = func() uint64 { return 1500 }
	})
	drops := enforce(t, k)
	if got := days(t, conn); !cmp.Equal(got, []string{"08", "09", "10"}) {
		t.Errorf("days %v are left of a quota for three and a half", got)
	}
	if len(drops) != 2 || drops[0].Reason != "quota" || drops[0].Unevaluated != 0 || drops[1].Unevaluated != 500 {
		t.Errorf("dropped %+v", drops)
	}
	if !strings.Contains(log.String(), "not been seen by every rule") {
		t.Errorf("the log does not say that events were dropped unseen: %s", log)
	}
	// What lies beside the database counts too, and the newest day stays.
	before := k.Report().Used
	k.deps.Beside = func() int64 { return used }
	if got := k.Report().Used; got != before+used {
		t.Errorf("%d bytes are used at once, want those before and %d", got, used)
	}
	enforce(t, k)
	if got := days(t, conn); !cmp.Equal(got, []string{"10"}) {
		t.Errorf("days %v are left", got)
	}
	r := k.Report()
	if !r.OverQuota || r.OldestDay != "20260510" || r.Totals["events"].Rows != 4000 || r.Totals["events"].Unevaluated != 2500 || !strings.Contains(log.String(), "quota is used up") {
		t.Errorf("report %+v, log %s", r, log)
	}
	// It is remembered over restarts, and a record that is broken is begun anew.
	next, _ := keeper(t, conn, func(d *Deps) { d.Record = k.deps.Record })
	if diff := cmp.Diff(r.Totals, next.Report().Totals); diff != "" || len(next.Report().Recent) != 4 {
		t.Errorf("after a restart (-before +after): %s, %+v", diff, next.Report().Recent)
	}
	if err := os.WriteFile(k.deps.Record, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	keeper(t, conn, func(d *Deps) { d.Record = k.deps.Record })
}

func TestMatchesStayAsLongAsRulesLookBack(t *testing.T) {
	conn := database(t)
	for _, at := range []string{"2026-01-31", "2026-02-01", "2026-03-15", "2026-05-01"} {
		exec(t, conn, "INSERT INTO matches (key, at) VALUES (1, '"+at+" 00:00:00')")
	}
	left := func() (n uint64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM matches").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	k, _ := keeper(t, conn, func(d *Deps) { d.Policy.Matches, d.LookBack = day, 98*day })
	enforce(t, k) // back to 1 February
	if left() != 3 {
		t.Errorf("%d matches are left, want those from February on", left())
	}
	k, _ = keeper(t, conn, func(d *Deps) { d.Policy.Matches, d.LookBack = 35*day, 2*day })
	enforce(t, k) // back to 5 April
	if left() != 1 {
		t.Errorf("%d matches are left, want those from April on", left())
	}
	k, _ = keeper(t, conn, func(*Deps) {})
	enforce(t, k)
	if left() != 1 {
		t.Error("matches were dropped although they are kept for ever")
	}
}

// TestOldSignalsGoWithAllTheirVersions has a signal whose present version ended
// long ago and an earlier one did not: deleting by row would bring that back.
func TestOldSignalsGoWithAllTheirVersions(t *testing.T) {
	conn := database(t)
	exec(t, conn, schema.SignalStates.CreateSQL())
	exec(t, conn, "INSERT INTO signal_states (id) VALUES ('old'), ('shrunk'), ('grown')")
	for _, row := range []string{
		"(1, 'old', 1, '2025-01-01 00:00:00')", "(1, 'old', 2, '2025-01-02 00:00:00')",
		"(2, 'shrunk', 1, '2026-05-01 00:00:00')", "(2, 'shrunk', 2, '2025-01-01 00:00:00')",
		"(3, 'grown', 1, '2025-01-01 00:00:00')", "(3, 'grown', 2, '2026-05-01 00:00:00')",
	} {
		exec(t, conn, "INSERT INTO signals (key, id, version, last_seen) VALUES "+row)
	}
	k, _ := keeper(t, conn, func(d *Deps) { d.Policy.Signals = 90 * day })
	if drops := enforce(t, k); len(drops) != 1 || drops[0].Rows < 2 {
		t.Errorf("dropped %+v", drops)
	}
	var left []string
	if err := conn.QueryRow(t.Context(), "SELECT groupArray(id || toString(version)) FROM (SELECT id, version FROM signals FINAL ORDER BY id)").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(left, []string{"grown2"}) {
		t.Errorf("left are %v", left)
	}
	if err := conn.QueryRow(t.Context(), "SELECT groupArray(id) FROM signal_states").Scan(&left); err != nil || !cmp.Equal(left, []string{"grown"}) {
		t.Errorf("left of states are %v, %v", left, err)
	}
	if again := enforce(t, k); len(again) > 0 {
		t.Errorf("a second round dropped %+v", again)
	}
}

// TestSignalsStayWhileTheirStatesAreFilled has a filler that doesn't end: what is deleted
// beside it would stay in the states.
func TestSignalsStayWhileTheirStatesAreFilled(t *testing.T) {
	conn := database(t)
	exec(t, conn, "INSERT INTO signals (key, id, version, last_seen) VALUES (1, 'old', 1, '2025-01-01 00:00:00')")
	errFilling := errors.New("they are being filled")
	k, _ := keeper(t, conn, func(d *Deps) {
		d.Policy.Signals = 90 * day
		d.HoldStates = func(context.Context) (func(), error) { return nil, errFilling }
	})
	if _, err := k.Enforce(t.Context()); !errors.Is(err, errFilling) {
		t.Errorf("got %v", err)
	}
	var left uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM signals").Scan(&left); err != nil || left != 1 {
		t.Errorf("%d are left, %v", left, err)
	}
}

// TestTheQuotaIsKeptWhileSignalsCannotGo has a filler of states that does not end: a disk that
// fills does not wait for it, and the round ends.
func TestTheQuotaIsKeptWhileSignalsCannotGo(t *testing.T) {
	conn := database(t)
	events(t, conn, 5)
	exec(t, conn, "INSERT INTO signals (id, version, last_seen) VALUES ('old', 1, '2025-01-01 00:00:00')")
	k, _ := keeper(t, conn, func(d *Deps) {
		d.Policy, d.Every = Policy{Signals: day, DiskQuota: 1}, time.Millisecond
		d.HoldStates = func(ctx context.Context) (func(), error) { <-ctx.Done(); return nil, ctx.Err() }
	})
	if _, err := k.Enforce(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("said %v", err)
	}
	if got := days(t, conn); len(got) != 1 || !k.Report().OverQuota {
		t.Errorf("days %v are left, report %+v", got, k.Report())
	}
}

// TestWhatWasToldGoesWithItsSignal, and not before: a signal that is there would be told
// again.
func TestWhatWasToldGoesWithItsSignal(t *testing.T) {
	conn := database(t)
	exec(t, conn, "INSERT INTO signals (key, id, version, last_seen) VALUES (1, 'old', 1, '2025-01-01 00:00:00'), (2, 'grown', 1, '2026-05-01 00:00:00')")
	exec(t, conn, `INSERT INTO notifications (id, version, target, signal, created) VALUES ('a', 1, '@t', 'old', '2025-01-01 00:00:00'), ('a', 2, '@t', 'old', '2025-01-01 00:00:00'),
		('b', 1, '@t', 'grown', '2025-01-01 00:00:00'), ('c', 1, '@t', 'not here yet', '2026-05-01 00:00:00'), ('place', 1, '', '', '1970-01-01 00:00:00')`)
	k, _ := keeper(t, conn, func(d *Deps) { d.Policy.Signals = 90 * day })
	if drops := enforce(t, k); len(drops) != 2 || drops[1].Table != "notifications" {
		t.Errorf("dropped %+v", drops)
	}
	var left []string
	if err := conn.QueryRow(t.Context(), "SELECT arraySort(groupArray(id)) FROM notifications").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(left, []string{"b", "c", "place"}) {
		t.Errorf("left are %v", left)
	}
	if again := enforce(t, k); len(again) > 0 {
		t.Errorf("a second round dropped %+v", again)
	}
}

func TestPolicies(t *testing.T) {
	p := Policy{Matches: day}
	if err := p.Parse("events=90d, signals=15mo"); err != nil || p != (Policy{Events: 90 * day, Signals: 450 * day, Matches: day}) {
		t.Errorf("%+v %v", p, err)
	}
	if err := p.Parse("events=for-ever"); err != nil || p.Events != 0 {
		t.Errorf("%+v %v", p, err)
	}
	for _, bad := range []string{"event=3d", "events", "events=3", "events=0d", "events=-1d", "events=1000y", "objects=1d", "events=3 d"} {
		if err := p.Parse(bad); err == nil {
			t.Errorf("%q was taken for %+v", bad, p)
		}
	}
}
