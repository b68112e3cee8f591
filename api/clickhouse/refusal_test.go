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
