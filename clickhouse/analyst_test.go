package clickhouse_test

import (
	"strings"
	"testing"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

func TestCreateAnalystReadsItsTablesAndNothingElse(t *testing.T) {
	options := testenv.Options(t)
	admin := testenv.Open(t, options)
	for _, sql := range []string{"CREATE TABLE events (n Int64) ENGINE = MergeTree ORDER BY n", "CREATE TABLE secrets (n Int64) ENGINE = MergeTree ORDER BY n"} {
		if err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // every start makes it anew
		analyst, err := clickhouse.CreateAnalyst(t.Context(), admin, options, []string{"events"})
		if err != nil {
			t.Fatal(err)
		}
		conn := testenv.Open(t, analyst)
		if err := conn.Exec(t.Context(), "SELECT count() FROM events"); err != nil {
			t.Errorf("the analyst can't read its table: %v", err)
		}
		for _, sql := range []string{
			"SELECT count() FROM secrets", "INSERT INTO events VALUES (1)", "DROP TABLE events", "SELECT * FROM system.users",
			"SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", "SELECT 1 SETTINGS max_execution_time = 0", "SELECT 1 SETTINGS max_memory_usage = 0",
		} {
			if err := conn.Exec(t.Context(), sql); err == nil || strings.Contains(err.Error(), "dial") {
				t.Errorf("%s: got %v, want a refusal", sql, err)
			}
		}
	}
}
