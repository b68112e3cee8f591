package clickhouse_test

import (
	"errors"
	"testing"

	"nightjar/clickhouse"
)

func TestAdHocSQLReadsNoFiles(t *testing.T) {
	analyst := as(t, "analyst")
	for _, query := range []string{
		"SELECT file('a')",
		"select length(`file`('a'))",
		`SELECT "fi\x6ce"('a')`,
		"SELECT /* file */ file /**/ ('a')",
		"WITH x AS (SELECT file('a') AS y) SELECT * FROM x",
		"SELECT arrayMap(name -> file(name), ['a'])",
		"SELECT arrayMap(file, ['a'])",
		"SELECT 1 UNION ALL SELECT 1 WHERE file('a') = ''",
		"SELECT * APPLY(file) FROM (SELECT 'a')",
		"SELECT * APPLY file FROM (SELECT 'a')",
		"SELECT COLUMNS('a') APPLY(x -> file(x)) FROM (SELECT 'a' AS a)",
		"EXPLAIN QUERY TREE SELECT file('a')",
		"DESCRIBE (SELECT file('a'))",
		"SELECT 1 ORDER BY file('a') LIMIT length(file('a'))",
		"SELECT 1 SETTINGS max_threads = 1 UNION ALL SELECT length(file('a'))",
	} {
		if err := clickhouse.CheckAdHoc(t.Context(), analyst, query); !errors.Is(err, clickhouse.ErrReadsFiles) {
			t.Errorf("%s: %v", query, err)
		}
	}
	for _, query := range []string{
		"SELECT 'file(1)', attributes.file.path FROM events WHERE message LIKE '%file(%' -- file('a')",
		"SELECT profile, count() FROM events GROUP BY profile FORMAT JSON",
		"SHOW TABLES",
	} {
		if err := clickhouse.CheckAdHoc(t.Context(), analyst, query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	if err := clickhouse.CheckAdHoc(t.Context(), analyst, "SELEC 1"); err == nil || errors.Is(err, clickhouse.ErrReadsFiles) {
		t.Errorf("a broken query: %v", err)
	}
	params := clickhouse.Params{}.String("p", "a")
	if err := clickhouse.CheckAdHoc(params.Context(t.Context()), analyst, "SELECT {p:String}"); err != nil {
		t.Error(err)
	}
}
