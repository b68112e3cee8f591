package clickhouse

import (
	"context"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// What the server says of its own folders and addresses is left out; what it
// repeats of the query is not.
func TestRefusalTellsNothingOfTheServer(t *testing.T) {
	for said, want := range map[string]string{
		"Cannot read part /var/lib/nightjar/clickhouse/data/store/abc/all_1_1_0/data.bin: broken": "Cannot read part …: broken",
		"In file '/srv/data/x.sql', (/a/b)":               "In file '…', (…)",
		"Cannot parse '/home/me/mine' as Int8":            "Cannot parse '/home/me/mine' as Int8",
		"expected a/b/c or x / y / z":                     "expected a/b/c or x / y / z",
		"Code: 60. DB::Exception: no such (version 26.7)": "no such",
		"Received from 127.0.0.1:9000. gone":              "gone",
		"peer 10.1.2.3:9000 hung up":                      "peer  hung up",
	} {
		err := refusal(context.Background(), "SELECT '/home/me/mine'::Int8", &ch.Exception{Code: 1, Message: said})
		if got := strings.TrimPrefix(err.Error(), "ClickHouse (code 1): "); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}

// What the server says of a name has no place: the name is looked for in the query, and
// not in its texts.
func TestUnknownNamesHaveTheirPlace(t *testing.T) {
	for _, c := range []struct{ query, said, want string }{
		{"SELECT 'hist', hist FROM events", "Unknown expression identifier `hist` in scope SELECT 'hist', hist FROM events. Maybe you meant: ['host']", "1:16: "},
		{"SELECT 1\nFROM eventz", "Unknown table expression identifier 'eventz' in scope SELECT 1 FROM eventz. Maybe you meant nightjar.events?", "2:6: "},
		{"SELECT '日本', -- cuont\n cuont(1)", "Function with name `cuont` does not exist. In scope SELECT cuont(1). Maybe you meant: ['count']", "2:2: "},
		{"SELECT 'gone'", "Unknown expression identifier `gone` in scope", ""},
		{"SELECT 1", "Something else", ""},
	} {
		err := refusal(context.Background(), c.query, &ch.Exception{Code: 47, Message: c.said})
		if got, _, _ := strings.Cut(err.Error(), "ClickHouse"); got != c.want {
			t.Errorf("%q: %q is at %q, want %q", c.query, c.said, got, c.want)
		}
	}
}
