package clickhouse_test

import (
	"errors"
	"testing"

	"nightjar/clickhouse"
)

func TestAdHocSQLIsMadeOfWhatIsAllowed(t *testing.T) {
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
		"SELECT arraySum(`hostName`, ['a'])",
		"SELECT * FROM url('http://x', 'CSV', 'a String')",
		"SELECT `dictGet`('a', 'b', 1)",
		"SELECT fileIf('a', 1)",
		"SELECT data_paths FROM system.tables",
		"SELECT t.`metadata_path` AS x FROM system.tables AS t",
		"SELECT * FROM `system`.`tables`",
		"SELECT COLUMNS('data') FROM system.tables",
		"SELECT 1 SETTINGS max_threads = 1 UNION ALL SELECT length(file('a'))",
	} {
		var refused *clickhouse.NotAllowedError
		if err := clickhouse.CheckAdHoc(t.Context(), analyst, query); !errors.As(err, &refused) {
			t.Errorf("%s: %v", query, err)
		}
	}
	for _, query := range []string{
		"SELECT 'file(1)', attributes.file.path FROM events WHERE message LIKE '%file(%' -- file('a')",
		"SELECT profile, count() FROM events GROUP BY profile FORMAT JSON",
		"SHOW TABLES",
		"SELECT name FROM system.tables",
		"SELECT arrayMap(lower, tags), arraySum(x -> x + 1, [1]), arraySort(tags), arrayStringConcat(tags, ',') FROM events",
		"SELECT countIf(message ILIKE '%a%'), quantileExactWeightedIf(0.5)(n, 1, n > 0), uniqExactMergeState(x), sumForEachIf(y, 1), groupArrayArray(tags) FROM (SELECT * EXCEPT a FROM events)",
		"SELECT CASE WHEN a THEN 1 ELSE 2 END, CASE b WHEN 1 THEN 2 END, c BETWEEN 1 AND 2, d IS NULL, e IN (1, 2), f NOT LIKE 'x', INTERVAL 1 DAY, now() - INTERVAL '1 hour', g::Int64, CAST(h AS String), i[1], j.1, -k, NOT l, m || 'x', x ? 1 : 2, EXTRACT(YEAR FROM now()), TRIM(BOTH ' ' FROM n), SUBSTRING(o FROM 1), POSITION('a' IN p), DATE '2026-01-01' FROM events",
		"SELECT rank() OVER w, lagInFrame(n) OVER w, row_number() OVER () FROM events WINDOW w AS (PARTITION BY source ORDER BY timestamp ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) QUALIFY rank() OVER w = 1",
		"SELECT toStartOfInterval(timestamp, INTERVAL 5 MINUTE) AS t, count() FROM events WHERE EXISTS (SELECT 1) GROUP BY t WITH ROLLUP HAVING count() > 1 ORDER BY t DESC NULLS LAST WITH FILL STEP 300 LIMIT 1, 10",
		"WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
		"SELECT a.x FROM events AS a GLOBAL LEFT ANTI JOIN (SELECT 1 AS x) AS b ON a.x = b.x LEFT ARRAY JOIN tags AS t, arrayEnumerate(tags) AS i PREWHERE 1 WHERE 1 IN (SELECT 2) SETTINGS max_threads = 1",
	} {
		if err := clickhouse.CheckAdHoc(t.Context(), analyst, query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	var refused *clickhouse.NotAllowedError
	if err := clickhouse.CheckAdHoc(t.Context(), analyst, "SELEC 1"); err == nil || errors.As(err, &refused) {
		t.Errorf("a broken query: %v", err)
	}
	params := clickhouse.Params{}.String("p", "a")
	if err := clickhouse.CheckAdHoc(params.Context(t.Context()), analyst, "SELECT {p:String}"); err != nil {
		t.Error(err)
	}
}
