package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// sandbox is an engine with an event in it, asked over HTTP as anybody asks it.
type sandbox struct{ *process }

// shared is the engine of all sandboxes but those of ownServer: who only asks leaves
// nothing behind for others. It ends with the tests.
var shared struct {
	mu sync.Mutex
	p  *process
}

func newSandbox(t *testing.T) sandbox {
	testenv.RequireLibrary(t)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.p != nil {
		p := *shared.p
		p.t = t
		return sandbox{&p}
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "nightjar-sandbox-")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, path: path, dir: dir}
	defer func() {
		if shared.p == nil { // it failed
			p.end()
		}
	}()
	p.start()
	file := writeFile(t, `{"timestamp":1772366400000,"source":"app","host":"h","message":"hello","tags":["k:v"],"attributes":{"n":5,"usr":{"id":"u1"},"list":[1,2]}}`+"\n")
	if _, stderr, code := p.run("ingest", "--source", "app", file); code != exitOK {
		t.Fatal(stderr)
	}
	p.await("stored", func() bool { return p.count("SELECT count() FROM events") == 1 })
	shared.p = p
	return sandbox{p}
}

// endShared ends the engine of the sandboxes, where there is one.
func endShared() {
	if p := shared.p; p != nil {
		p.end()
		_ = os.RemoveAll(p.dir) // a folder for tests
	}
}

func (s sandbox) ask(query string, params map[string]any) (status int, answer string) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "params": params})
	if err != nil {
		s.t.Fatal(err)
	}
	code, text, err := s.request(http.MethodPost, "/api/nightjar/v1/sql", body)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return code, string(text)
}

// refuses holds that a query is refused as the caller's mistake, in words that
// tell nothing of the server.
func (s sandbox) refuses(query string, params map[string]any) (answer string) {
	s.t.Helper()
	code, answer := s.ask(query, params)
	if code != http.StatusBadRequest {
		s.t.Errorf("%.200s: %d %.300s", query, code, answer)
	}
	s.tellsNothing(query, answer)
	return answer
}

func (s sandbox) tellsNothing(query, answer string) {
	s.t.Helper()
	for _, inside := range []string{s.dir, "clickhouse/data", "user_files", "127.0.0.1:", "localhost:", "Stack trace", "DB::", "(version", s.key, "users.xml", "root:x", "nightjar_analyst"} {
		if strings.Contains(answer, inside) && !strings.Contains(query, inside) {
			s.t.Errorf("%.200s: %q is in %.500s", query, inside, answer)
		}
	}
}

// waysOut are queries that must not be answered.
var waysOut = []string{
	// Files, by the scalar function that no grant covers.
	"SELECT file('/etc/passwd')", "select FILE('/etc/passwd')", "SELECT `file`('/etc/passwd')", `SELECT "file"('/etc/passwd')`,
	`SELECT "fi\x6ce"('/etc/passwd')`, "SELECT `f\\151le`('a')", "SELECT file/**/('a')", "SELECT file -- x\n ('a')", "SELECT /* file */ file\t\n('a')",
	"SELECT file\u00a0('a')", "SELECT file\u2003('a')", "SELECT file(concat('/etc/', 'passwd'))", "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
	"SELECT arrayMap(file, ['a'])", "WITH x AS (SELECT file('a') AS y) SELECT * FROM x", "WITH file('a') AS y SELECT y", "WITH (x -> file(x)) AS f SELECT f('a')",
	"SELECT * APPLY(file) FROM (SELECT 'a')", "SELECT * APPLY(x -> file(x)) FROM (SELECT 'a')", "SELECT COLUMNS('.*') APPLY file FROM (SELECT 'a')",
	"SELECT 1 WHERE file('a') = ''", "SELECT 1 ORDER BY file('a')", "SELECT 1 LIMIT length(file('a'))", "SELECT (SELECT file('a'))", "SELECT 1 HAVING file('a') != ''",
	"SELECT 1 UNION ALL SELECT length(file('a'))", "SELECT count() OVER (ORDER BY file('a'))", "SELECT if(1, file('a'), '')", "SELECT toTypeName(file('a'))",
	"SELECT sumIf(1, file('a') = '') FROM events", "EXPLAIN SELECT file('a')", "EXPLAIN SYNTAX SELECT file('a')", "EXPLAIN QUERY TREE SELECT file('a')", "EXPLAIN AST SELECT file('a')",
	"EXPLAIN PIPELINE SELECT file('a')", "EXPLAIN ESTIMATE SELECT file('a')", "DESCRIBE (SELECT file('a'))", "SELECT * FROM view(SELECT file('a'))", "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('a')))",
	"SELECT * FROM events JOIN (SELECT file('a') AS f) AS x ON 1", "SELECT * FROM values('a String', (file('a')))", "SELECT catboostEvaluate('/etc/passwd', 1)", "SELECT $$a$$, file($$a$$)",
	// Files and the network, by table functions.
	"SELECT * FROM file('/etc/passwd', 'LineAsString')", "DESCRIBE file('/etc/passwd')", "DESCRIBE TABLE url('http://127.0.0.1/', 'CSV')", "SELECT * FROM fileCluster('c', '/etc/passwd', 'LineAsString')",
	"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT * FROM urlCluster('c', 'http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT * FROM remote('127.0.0.1', system.users)",
	"SELECT * FROM remote('127.0.0.1', nightjar, objects)", "SELECT * FROM remoteSecure('127.0.0.1', system.one)", "SELECT * FROM cluster('default', system.one)", "SELECT * FROM clusterAllReplicas('default', system.one)",
	"SELECT * FROM s3('http://127.0.0.1:1/b/k', 'CSV', 'a String')", "SELECT * FROM gcs('http://127.0.0.1:1/b/k', 'CSV', 'a String')", "SELECT * FROM azureBlobStorage('x', 'c', 'b', 'CSV', 'auto', 'a String')",
	"SELECT * FROM hdfs('hdfs://127.0.0.1:1/a', 'CSV', 'a String')", "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')", "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
	"SELECT * FROM mongodb('127.0.0.1:1', 'd', 'c', 'u', 'p', 'a String')", "SELECT * FROM redis('127.0.0.1:1', 'k', 'k String')", "SELECT * FROM sqlite('/tmp/x', 't')",
	"SELECT * FROM jdbc('DSN', 't')", "SELECT * FROM odbc('DSN=x', 'd', 't')", "SELECT * FROM executable('id', 'CSV', 'a String')", "SELECT * FROM input('a String')",
	"SELECT * FROM iceberg('http://127.0.0.1:1/b')", "SELECT * FROM icebergLocal('/etc')", "SELECT * FROM deltaLakeLocal('/etc')", "SELECT * FROM deltaLake('http://127.0.0.1:1/b')", "SELECT * FROM hudi('http://127.0.0.1:1/b')",
	"SELECT * FROM arrowFlight('127.0.0.1:1', 't')", "SELECT * FROM ytsaurus('http://127.0.0.1:1', '//t', 'x', 'a String')",
	// Other tables, databases and tenants.
	"SELECT * FROM system.users", "SELECT * FROM `system`.`users`", "SELECT * FROM system.grants", "SELECT * FROM system.processes", "SELECT * FROM system.disks", "SELECT * FROM system.errors",
	"SELECT * FROM system.server_settings", "SELECT * FROM system.stack_trace", "SELECT * FROM system.clusters", "SELECT * FROM system.parts", "SELECT * FROM system.named_collections", "SELECT * FROM system.query_log",
	"SELECT * FROM information_schema.columns", "SELECT * FROM INFORMATION_SCHEMA.TABLES", "SELECT * FROM matches", "SELECT * FROM nightjar.objects", "SELECT body FROM objects", "SELECT * FROM progress",
	"SELECT * FROM attribute_shapes", "SELECT * FROM events UNION ALL SELECT * FROM objects", "SELECT * FROM default.anything", "SELECT (SELECT count() FROM objects)", "SELECT * FROM merge('nightjar', '.*')",
	"SELECT * FROM merge(currentDatabase(), 'obj.*')", "SELECT * FROM mergeTreeIndex('nightjar', 'objects')", "SELECT * FROM loop(nightjar.objects)", "SELECT * FROM dictionary('d')", "SELECT dictGet('nightjar.objects', 'body', 1)",
	"SELECT joinGet('nightjar.objects', 'body', 'x')", "SELECT 1 IN nightjar.objects", "SELECT 1 IN (objects)", "SELECT hasColumnInTable('nightjar', 'objects', 'body')", "DESCRIBE TABLE objects", "SHOW CREATE TABLE objects", "EXPLAIN SELECT * FROM objects",
	"SHOW CREATE USER nightjar", "SHOW ACCESS", "SHOW PROCESSLIST", "SHOW CREATE PROFILE default",
	// Settings and statements that do more than read.
	"SELECT 1 SETTINGS max_execution_time = 0", "SELECT 1 SETTINGS readonly = 0", "SELECT 1 FORMAT JSON SETTINGS max_memory_usage = 1", "SELECT * FROM (SELECT 1 SETTINGS max_rows_to_read = 0)", "SELECT 1 /**/ SETTINGS/**/ max_threads=1",
	"SET max_execution_time = 0", "SET readonly = 0", "SELECT 1; DROP TABLE events", "SELECT 1 /* ; */; SELECT 2", "SELECT ';'; SELECT 2", "SELECT 1 -- x\n; INSERT INTO events (seq) VALUES (1)", "SELECT 1 # x\n; SELECT 2",
	"SELECT 1 INTO OUTFILE '/tmp/x'", "SELECT 1 INTO OUTFILE 'x' TRUNCATE FORMAT CSV", "SELECT 1 FORMAT CSV", "SELECT 1 FORMAT Null", "INSERT INTO events SELECT * FROM events", "INSERT INTO FUNCTION file('x') SELECT 1",
	"CREATE TEMPORARY TABLE t (a Int8)", "CREATE TABLE t (a Int8) ENGINE = Memory", "CREATE VIEW v AS SELECT 1", "CREATE FUNCTION f AS x -> file(x)", "CREATE USER u", "GRANT ALL ON *.* TO analyst", "DROP TABLE events", "TRUNCATE TABLE events",
	"ALTER TABLE events DELETE WHERE 1", "OPTIMIZE TABLE events", "DETACH TABLE events", "ATTACH TABLE t FROM '/etc' (a String) ENGINE = MergeTree ORDER BY a", "RENAME TABLE events TO x", "EXCHANGE TABLES events AND signals", "KILL QUERY WHERE 1",
	"SYSTEM SHUTDOWN", "SYSTEM DROP DNS CACHE", "BACKUP TABLE events TO File('x')", "RESTORE TABLE events FROM File('x')", "USE system", "CHECK TABLE objects", "EXECUTE AS nightjar SELECT 1", "BEGIN TRANSACTION", "(SELECT 1) INTO OUTFILE 'x'",
	"EXPLAIN AST DROP TABLE events; DROP TABLE events", "WITH 1 AS x INSERT INTO events (seq) SELECT x", "EXISTS TABLE objects", "UNDROP TABLE events", "DELETE FROM events WHERE 1", "UPDATE events SET seq = 1 WHERE 1",
	// What costs others.
	"SELECT sleep(3)", "SELECT sleepEachRow(1) FROM numbers(100)", "SELECT sum(number) FROM numbers(1000000000000)",
	"SELECT count() FROM system.numbers", "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
	"SELECT repeat('x', 3000000000)", "SELECT " + strings.Repeat("(", 50_000) + "1" + strings.Repeat(")", 50_000), "SELECT " + strings.Repeat("-", 50_001) + "1", "SELECT " + strings.Repeat("f(", 20_000), "SELECT \x00",
	// What the server knows of itself.
	"SELECT hostName()", "SELECT FQDN()", "SELECT getServerSetting('max_connections')", "SELECT getMacro('x')", "SELECT tcpPort()", "SELECT serverUUID()", "SELECT showCertificate()", "SELECT filesystemAvailable()", "SELECT addressToSymbol(1)",
	// Where it keeps things.
	"SELECT data_paths FROM system.tables", "SELECT * FROM system.tables", "SELECT t.* FROM `system`.`tables` AS t", "SELECT COLUMNS('.*') FROM system.tables", "SELECT `metadata_path` FROM system.tables", `SELECT "data\x5fpaths" FROM system.tables`,
	"SELECT x.1 FROM (SELECT tuple(data_paths) AS x FROM system.tables)", "SELECT * FROM (SELECT * FROM system.tables)", "SELECT data_paths[1] FROM system.tables", "SELECT path FROM system.databases", "SELECT data_path FROM system.databases", "SELECT metadata_path FROM system.databases",
	"SELECT * FROM system.databases",
}

// TestAdHocSQLHasNoWayOut tries them all on the real program.
func TestAdHocSQLHasNoWayOut(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for _, query := range waysOut {
		if answer := s.refuses(query, nil); strings.Contains(answer, "took longer") {
			t.Errorf("%.200s: nothing but its time ended it: %s", query, answer)
		}
	}
	for name, params := range map[string]map[string]any{
		"SELECT * FROM {t:Identifier}":                        {"t": "objects"},
		"SELECT * FROM {d:Identifier}.{t:Identifier}":         {"d": "system", "t": "users"},
		"SELECT {f:Identifier}('/etc/passwd')":                {"f": "file"},
		"SELECT * FROM {f:Identifier}('/etc/passwd')":         {"f": "file"},
		"SELECT * FROM file({p:String}, 'LineAsString')":      {"p": "/etc/passwd"},
		"SELECT file({p:String})":                             {"p": "/etc/passwd"},
		"SELECT {p:UInt8}":                                    {"p": "1); DROP TABLE events; --"},
		"SELECT * FROM events WHERE message = {p:Identifier}": {"p": "file('a')"},
	} {
		s.refuses(name, params)
	}
	// It is all still there, and still at work.
	if n := s.count("SELECT count() FROM events"); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	if strings.Contains(s.output.String(), "starting it again") {
		t.Errorf("the server ended:\n%s", s.output)
	}
	t.Logf("%d ways", len(waysOut)+8)
}

// What looks odd and does no harm is answered, and tells nothing.
func TestAdHocSQLAnswersWhatDoesNoHarm(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for query, want := range map[string]string{
		"SELECT 'file(1); DROP TABLE x', \"message\" FROM events -- file('a');": `[["file(1); DROP TABLE x","hello"]]`,
		"SELECT 1 /* SETTINGS a = 1; INTO OUTFILE 'x' */":                       `[[1]]`,
		"SELECT 1;":                      `[[1]]`,
		"SELECT $$file('a'); SELECT 2$$": `[["file('a'); SELECT 2"]]`,
		"WITH n AS (SELECT attributes.n.:Int64 AS n FROM events) SELECT n + 1 FROM n":                     `[[6]]`,
		"SELECT row_number() OVER (PARTITION BY source ORDER BY timestamp) FROM events":                   `[[1]]`,
		"SELECT attributes.usr.id, attributes.list, attributes.n FROM events":                             `[["u1",[1,2],5]]`,
		"SELECT attributes.n AS n, attributes.list AS l, count() FROM events GROUP BY n, l ORDER BY n, l": `[[5,[1,2],1]]`,
		"SELECT DISTINCT attributes.list FROM events ORDER BY attributes.list":                            `[[[1,2]]]`,
		"SELECT attributes.usr.id, attributes FROM events WHERE attributes.n = 5":                         `[["u1",{`,
		"SELECT toString(timestamp), tags[1], JSONExtractInt(raw, 'n') FROM nightjar.events":              `[["2026-03-01 12:00:00.000","k:v",5]]`,
		"SELECT count() FROM events AS a JOIN events AS b USING (seq)":                                    `[[1]]`,
		"SELECT count() FROM (SELECT number FROM numbers(1000000)) WHERE number % 2 = 0":                  `[[500000]]`,
		"SHOW TABLES":                                     `[["events"],["signals"]]`,
		"SELECT name FROM system.tables":                  `[["events"],["signals"]]`,
		"EXISTS_ AS x SELECT 1":                           ``,
		"SELECT count() > 5 FROM (DESCRIBE TABLE events)": ``,
		"SELECT x.1 FROM (SELECT (1, 'a') AS x) ORDER BY ALL LIMIT 1 BY x":             `[[1]]`,
		"SELECT currentUser() = 'nightjar'":                                            `[[false]]`,
		"SELECT arrayMap((x, i) -> x * i, [1, 2], [3, 4])":                             `[[[3,8]]]`,
		"SELECT * FROM values('a UInt8', 1, 2) WHERE a IN (SELECT 2)":                  `[[2]]`,
		"SELECT format('{} {}', 'a', 'b'), formatDateTime(toDateTime(0, 'UTC'), '%Y')": `[["a b","1970"]]`,
	} {
		code, answer := s.ask(query, nil)
		if want == "" {
			s.tellsNothing(query, answer)
			continue
		}
		if code != http.StatusOK || !strings.Contains(answer, `"rows":`+want) {
			// 0 and 1 are what the server has for booleans in places
			if !strings.Contains(answer, `"rows":[[0]]`) || want != `[[false]]` {
				t.Errorf("%s: %d %s", query, code, answer)
			}
		}
		s.tellsNothing(query, answer)
	}
	for _, query := range []string{"DESCRIBE TABLE events", "DESC events", "SHOW CREATE TABLE events", "EXPLAIN SELECT count() FROM events", "EXPLAIN indexes = 1 SELECT * FROM events WHERE source = 'x'", "SHOW COLUMNS FROM events", "SHOW GRANTS", "SHOW DATABASES"} {
		code, answer := s.ask(query, nil)
		if code != http.StatusOK {
			t.Errorf("%s: %d %s", query, code, answer)
		}
		s.tellsNothing(query, answer)
	}
	code, answer := s.ask("SELECT message FROM events WHERE message = {m:String} AND attributes.n.:Int64 IN {n:Array(Int64)}", map[string]any{"m": "hello", "n": []int{5, 6}})
	if code != http.StatusOK || !strings.Contains(answer, `"rows":[["hello"]]`) {
		t.Errorf("%d %s", code, answer)
	}
	// More than is shown is cut off aloud.
	code, answer = s.ask("SELECT number FROM numbers(2000000)", nil)
	if code != http.StatusOK || !strings.Contains(answer, `"truncated":true`) || !strings.Contains(answer, "LIMIT") {
		t.Errorf("%d %.200s", code, answer)
	}
}

// A column of any type is shown, or refused as the caller's mistake in words; and the
// next query is answered.
func TestAdHocSQLShowsOrRefusesEveryType(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	shown := 0
	for _, expression := range []string{
		"sumState(1)", "uniqState('a')", "quantilesTDigestState(0.5)(1)", "INTERVAL 1 DAY", "tuple()", "NULL", "[NULL]", "[]", "map()", "map('a', tuple(1, 'b'))",
		"CAST('a', $$Enum8('a' = 1)$$)", "toTime64(0, 3)", "toTime(0)", "1::Dynamic", "'a'::Variant(String, UInt8)", "(1, 2)::Point", "[(1, 2)]::Ring", "1::BFloat16", "toDecimal256(1, 5)",
		"1::UInt256", "toIPv4('1.2.3.4')", "toIPv6('::1')", "generateUUIDv4()", "'{\"a\":1}'::JSON", "1::SimpleAggregateFunction(sum, UInt64)", "toDate32('1900-01-01')", "toFixedString('a', 3)",
		"[(1, 'a')]::Nested(a UInt8, b String)", "1::Nullable(UInt8)", "'a'::LowCardinality(Nullable(String))", "nan", "inf", "toDateTime64(0, 9)", "now64(9)", "unhex('ff00')", "x -> x", "[1]::QBit(Float32, 1)",
		"initializeAggregation('sumState', 1)", "tuple(sumState(1))", "[sumState(1)]", "toIntervalMonth(1)", "readWKTPolygon('POLYGON((0 0,1 0,1 1,0 0))')", "''::Array(Array(Nullable(Int8)))",
	} {
		code, answer := s.ask("SELECT "+expression+" AS x", nil)
		if code == http.StatusOK {
			shown++
		} else if code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", expression, code, answer)
		}
		s.tellsNothing(expression, answer)
		if code, answer := s.ask("SELECT 1", nil); code != http.StatusOK {
			t.Fatalf("after %s: %d %s", expression, code, answer)
		}
	}
	if shown < 25 {
		t.Errorf("only %d types are shown", shown)
	}
}

// What a refusal says names the limit that was met.
func TestAdHocSQLSaysWhichLimitWasMet(t *testing.T) {
	t.Parallel()
	s, _ := ownServer(t, clickhouse.Limits{Seconds: 300, RowsToRead: 1_000_000, MemoryBytes: 100 << 20})
	for query, says := range map[string]string{
		"SELECT groupArray(repeat('x', 1000)) FROM numbers(900000)": "more memory",
		"SELECT sum(number) FROM numbers(1000000000000)":            "more rows",
		"SELECT hostName()":                       "hostName",
		"SELECT * FROM objects":                   "objects",
		"SELECT nonsense FROM events":             "nonsense",
		"SELECT count() FROM events GROUP\n BY (": "yntax",
		"SELECT 1\n; SELECT 2":                    "2:1: a second statement",
		"SELECT throwIf(1, 'why')":                "why",
	} {
		code, answer := s.ask(query, nil)
		if code != http.StatusBadRequest || !strings.Contains(answer, says) {
			t.Errorf("%s: %d %s, want %q", query, code, answer, says)
		}
		s.tellsNothing(query, answer)
	}
}

// ownServer is an engine on a server that the test can look into, with limits of its own
// for ad hoc queries.
func ownServer(t *testing.T, limits clickhouse.Limits) (sandbox, driver.Conn) {
	t.Helper()
	testenv.RequireLibrary(t)
	server, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{
		DataDir: t.TempDir(), Loopback: true, AnalystTables: []string{"mine.events"}, AnalystLimits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(context.Background()) })
	admin := testenv.Open(t, server.Options(clickhouse.Admin))
	if err := admin.Exec(t.Context(), "CREATE DATABASE mine"); err != nil {
		t.Fatal(err)
	}
	var env []string
	for name, role := range map[string]clickhouse.Role{"NIGHTJAR_CLICKHOUSE": clickhouse.Admin, "NIGHTJAR_CLICKHOUSE_ANALYST": clickhouse.Analyst} {
		o := server.Options(role)
		env = append(env, fmt.Sprintf("%s=clickhouse://%s:%s@%s/mine", name, o.Auth.Username, o.Auth.Password, server.Addr()))
	}
	return sandbox{startEngineWith(t, env)}, admin
}

func TestAdHocSQLEndsAtItsTimeLimit(t *testing.T) {
	t.Parallel()
	s, admin := ownServer(t, clickhouse.Limits{Seconds: 2, RowsToRead: 1 << 50})
	limit := make(chan string, 1)
	go func() {
		var seconds string
		for seconds == "" && t.Context().Err() == nil {
			_ = admin.QueryRow(t.Context(), "SELECT any(Settings['max_execution_time']) FROM system.processes WHERE query LIKE '%cityHash64(number)%' AND query NOT LIKE '%system.processes%'").Scan(&seconds)
		}
		limit <- seconds
	}()
	code, answer := s.ask("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)", nil)
	if got := <-limit; got != "2" {
		t.Errorf("it ran with a limit of %q s, want 2", got)
	}
	if code != http.StatusBadRequest || !strings.Contains(answer, "took longer than ad hoc queries may") {
		t.Errorf("%d %s", code, answer)
	}
	if n := timeouts(t, admin); n != 1 {
		t.Errorf("the server ended %d queries at their limits, want 1", n)
	}
}

// timeouts is how many queries the server ended at their limits of time.
func timeouts(t *testing.T, admin driver.Conn) (n uint64) {
	t.Helper()
	if err := admin.QueryRow(t.Context(), "SELECT sum(value) FROM system.errors WHERE name = 'TIMEOUT_EXCEEDED'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Whatever is asked for ends with its caller: it is gone from the server, where it would
// have gone on, and no limit of time has ended it.
func TestQueriesEndWhenTheirCallerHangsUp(t *testing.T) {
	t.Parallel()
	s, admin := ownServer(t, clickhouse.Limits{Seconds: 300, RowsToRead: 1 << 50})
	if err := admin.Exec(t.Context(), `INSERT INTO mine.events (seq, timestamp, seen, source, message, raw)
		SELECT number, now(), now(), 'app', repeat(hex(sipHash64(number)), 10), '{}' FROM numbers(1000000)`); err != nil {
		t.Fatal(err)
	}
	var words []string
	for i := range 40 {
		words = append(words, fmt.Sprintf("*%x?%x*%x?%x*", i, i*7%16, i*5%16, i*3%16))
	}
	filter := fmt.Sprintf(`{"filter":{"query":%q,"from":"now-1d","to":"now+1d"}`, strings.Join(words, " -"))
	for _, c := range []struct{ path, body, query string }{
		{"/api/nightjar/v1/sql", `{"query":"SELECT sum(sipHash64(toString(number))) FROM numbers(1000000000000)"}`, "%numbers(%"},
		{"/api/v2/logs/events/search", filter + "}", "%FROM events%"},
		{"/api/v2/logs/analytics/aggregate", filter + `,"group_by":[{"facet":"source"}]}`, "%FROM events%"},
	} {
		ctx, hangUp := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("DD-API-KEY", s.key)
		req.Header.Set("Content-Type", "application/json")
		ended := make(chan error, 1)
		go func() {
			resp, err := http.DefaultClient.Do(req)
			if err == nil {
				resp.Body.Close()
			}
			ended <- err
		}()
		running := func() bool {
			var n uint64
			err := admin.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '"+c.query+"' AND query NOT LIKE '%system.processes%' AND elapsed > 0.1").Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			return n > 0
		}
		s.await("running: "+c.path, running)
		hangUp()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: it was over before: %v", c.path, err)
		}
		s.await("gone: "+c.path, func() bool { return !running() })
		if n := timeouts(t, admin); n != 0 {
			t.Errorf("%s: the server ended it at its limit of time", c.path)
		}
	}
}
