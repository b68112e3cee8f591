package lookups

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// source is one table whose pages have a row each.
type source struct {
	def   reference.Table
	rows  []reference.Row
	fails error
	reads int
}

func (s *source) List() []reference.Table { return []reference.Table{s.def} }

func (s *source) ListRows(_ context.Context, _ string, _ int, token string) ([]reference.Row, string, error) {
	s.reads++
	if s.fails != nil {
		return nil, "", s.fails
	}
	at := 0
	fmt.Sscan(token, &at)
	if at >= len(s.rows) {
		return nil, "", nil
	}
	return s.rows[at : at+1], fmt.Sprint(at + 1), nil
}

func TestRowsAreThoseOfTheTableNow(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	s := &source{
		def:  reference.Table{ID: "1", Name: "owners", Key: "host", UpdatedAt: 900_000, Fields: []reference.Field{{Name: "host"}, {Name: "team"}, {Name: "level", Type: reference.Int32}}},
		rows: []reference.Row{{ID: "web", Values: map[string]string{"host": "web", "team": "blue", "level": "3"}}, {ID: "db", Values: map[string]string{"host": "db"}}},
	}
	wanted := []string{"owners", "none"}
	tables := New(s, func() []string { return wanted }, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	ask := func(name, key string) string {
		row, ok, err := tables.Row(name, key, 0)
		return strings.TrimSpace(fmt.Sprint(row, ok, err))
	}
	check := func(name, key, want string) {
		t.Helper()
		if got := ask(name, key); got != want {
			t.Errorf("%s of %s: got %s, want %s", key, name, got, want)
		}
	}
	check("owners", "web", "[] false "+errNotYet.Error())
	tables.Refresh(t.Context())
	check("owners", "web", "[{team blue false} {level 3 true}] true <nil>")
	check("owners", "db", "[] true <nil>")
	check("owners", "x", "[] false <nil>")
	check("none", "x", "[] false "+errNone.Error())

	reads := s.reads
	tables.Refresh(t.Context())
	if s.reads != reads {
		t.Error("a table that has not changed was read again")
	}
	s.rows[1].Values["team"] = "red"
	s.def.UpdatedAt = schema.MillisOf(now)
	tables.Refresh(t.Context())
	check("owners", "db", "[{team red false}] true <nil>")
	s.rows[1].Values["team"] = "green" // at the same moment
	now = now.Add(2 * time.Second)
	tables.Refresh(t.Context())
	check("owners", "db", "[{team green false}] true <nil>")

	s.fails, s.def.UpdatedAt = errors.New("no database"), schema.MillisOf(now)
	tables.Refresh(t.Context())
	check("owners", "db", "[{team green false}] true <nil>")
	s.fails = nil
	s.rows = s.rows[:1]
	tables.Refresh(t.Context())
	check("owners", "db", "[] false <nil>")
}
