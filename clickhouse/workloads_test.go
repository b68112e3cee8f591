package clickhouse_test

import (
	"testing"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// What the engine asks for people has its place below detection and a bound on its
// memory, neither of which a statement can leave, and changes nothing.
func TestPeopleComeAfterDetection(t *testing.T) {
	server := start(t, clickhouse.EmbeddedConfig{PersonTables: []string{"default.*"}, AnalystTables: []string{"default.*"}})
	admin := testenv.Open(t, clickhouse.Evaluation.For(server.Options(clickhouse.Admin)))
	for range 2 { // a start after the first finds them
		if err := clickhouse.CreateWorkloads(t.Context(), admin); err != nil {
			t.Fatal(err)
		}
	}
	if n := one[uint64](t, admin, "SELECT count() FROM system.workloads WHERE name IN ('nightjar_people', 'nightjar_detection')"); n != 2 {
		t.Errorf("%d of 2 workloads", n)
	}
	if err := admin.Exec(t.Context(), "CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	const place = "SELECT getSetting('workload')::String || ' ' || toString(getSetting('priority'))"
	if got := one[string](t, admin, place); got != "nightjar_detection 1" {
		t.Errorf("detection has %s", got)
	}
	for role, use := range map[clickhouse.Role]clickhouse.Use{clickhouse.Person: clickhouse.Asking, clickhouse.Analyst: clickhouse.AdHoc} {
		conn := testenv.Open(t, use.For(server.Options(role)))
		if got := one[string](t, conn, place); got != "nightjar_people 10" {
			t.Errorf("%s has %s", role, got)
		}
		if n := one[uint64](t, conn, "SELECT getSetting('max_memory_usage_for_user')::UInt64"); n < 512<<20 {
			t.Errorf("%s may take %d bytes", role, n)
		}
		if n := one[uint64](t, conn, "SELECT count() FROM kept"); n != 0 {
			t.Errorf("%s reads %d rows", role, n)
		}
		for _, query := range []string{"SELECT 1 SETTINGS max_memory_usage_for_user = 0", "INSERT INTO kept VALUES (1)", "DROP TABLE kept", "CREATE TABLE t (n UInt8) ENGINE = Memory", "DROP WORKLOAD nightjar_people"} {
			refusal(t, conn, query)
		}
	}
}
