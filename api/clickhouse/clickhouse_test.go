package clickhouse_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api"
	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/signals"
	"nightjar/clickhouse"
	"nightjar/schema"
	"nightjar/testenv"
)

var begin = schema.MillisOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

// store writes a version of a signal.
func store(t *testing.T, conn driver.Conn, id string, version int, at schema.Millis, host, state, reason string) {
	t.Helper()
	raw := fmt.Sprintf(`{"title":"t","nightjar":{"state":%q,"reason":%q}}`, state, reason)
	sql := fmt.Sprintf(`INSERT INTO signals (id, version, key, rule_id, timestamp, first_seen, state, reason, host, status, message, tags, attributes, raw)
		VALUES ('%s', %d, %d, 'abc-def-ghi', fromUnixTimestamp64Milli(%d), fromUnixTimestamp64Milli(%[4]d), '%[5]s', '%[6]s', '%[7]s', 'high', 'found', ['source:sshd'], '%[8]s', '%[8]s')`,
		id, version, id[0], at, state, reason, host, raw)
	if err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func signalsTable(t *testing.T) driver.Conn {
	conn := testenv.ClickHouse(t)
	if err := conn.Exec(t.Context(), schema.Signals.CreateSQL()); err != nil {
		t.Fatal(err)
	}
	return conn
}

func searchSignals(t *testing.T, s *adapter.Signals, in signals.Search) (ids string, page signals.Page) {
	t.Helper()
	if in.Limit == 0 {
		in.Limit = 10
	}
	page, err := s.SearchSignals(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range page.Signals {
		ids += found.ID
	}
	return ids, page
}

func TestSearchShowsTheNewestVersionOfWhatMatches(t *testing.T) {
	conn := signalsTable(t)
	store(t, conn, "a", 1, begin, "web1", "open", "")
	store(t, conn, "a", 2, begin, "web2", "open", "") // what counts of a
	store(t, conn, "b", 1, begin+1000, "web1", "open", "")
	store(t, conn, "c", 1, begin+1000, "web1", "open", "")
	store(t, conn, "d", 1, begin+2000, "web1", "open", "")
	store(t, conn, "d", 2, begin+2000, "web1", "archived", "merged")
	store(t, conn, "e", 1, begin+3000, "web1", "archived", "retracted")
	store(t, conn, "f", 1, begin+4000, "web1", "archived", "false_positive")
	s := adapter.NewSignals(conn)

	for _, c := range []struct {
		want string
		in   signals.Search
	}{
		{"fcba", signals.Search{}},
		{"abcf", signals.Search{Ascending: true}},
		{"cb", signals.Search{Query: "host:web1 @nightjar.state:open"}},
		{"a", signals.Search{Query: "host:web2"}},
		{"fed", signals.Search{Query: "@nightjar.state:archived"}},
		{"fedcba", signals.Search{Query: "@nightjar.state:archived OR host:*"}},
		{"e", signals.Search{Query: "@nightjar.state:(archived) @nightjar.reason:retracted"}},
		{"e", signals.Search{Query: "@nightjar.reason:retracted"}},
		{"fed", signals.Search{Query: "state:archived"}},
		{"e", signals.Search{Query: "state:retracted"}},
		{"cba", signals.Search{Query: "state:open"}},
		{"cba", signals.Search{Query: "-state:archived"}},
		{"f", signals.Search{Query: "@workflow.triage.state:archived archive_reason:false_positive"}},
		{"fcba", signals.Search{Query: "source:sshd OR tags:\"source:sshd\""}},
		{"cb", signals.Search{From: new(begin + 1000), To: new(begin + 4000)}},
		{"a", signals.Search{To: new(begin + 1)}},
	} {
		if got, _ := searchSignals(t, s, c.in); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestPagesFollowOneAnother(t *testing.T) {
	conn := signalsTable(t)
	for i, id := range []string{"a", "b", "c", "d", "e"} {
		store(t, conn, id, 1, begin+schema.Millis(i/3), "h", "open", "") // several at one time
	}
	for _, ascending := range []bool{false, true} {
		s, got, after := adapter.NewSignals(conn), "", signals.Cursor{}
		for pages := 0; pages < 4; pages++ {
			ids, page := searchSignals(t, s, signals.Search{Limit: 2, After: after, Ascending: ascending})
			got += ids + "|"
			if after = page.Next; after == (signals.Cursor{}) {
				break
			}
		}
		if want := map[bool]string{false: "ed|cb|a|", true: "ab|cd|e|"}[ascending]; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// However many old versions lie about, and however they differ from the newest,
// the pages are those of the newest versions alone.
func TestPagesAreOfNewestVersions(t *testing.T) {
	conn := signalsTable(t)
	if err := conn.Exec(t.Context(), "SYSTEM STOP MERGES signals"); err != nil {
		t.Fatal(err)
	}
	type newest struct {
		at    schema.Millis
		open  bool
		value map[signals.Order]int64
	}
	severities := []string{"info", "low", "medium", "high", "critical"}
	random, all := rand.New(rand.NewPCG(1, 2)), map[string]newest{}
	insert := "INSERT INTO signals (id, version, key, timestamp, state, reason, status, last_seen, events, host) VALUES "
	var values []string
	for i := range 40 {
		id := fmt.Sprintf("s%02d", i)
		for version := range 1 + random.IntN(12) {
			n := newest{begin + schema.Millis(random.IntN(30)), random.IntN(4) > 0, map[signals.Order]int64{
				signals.BySeverity: random.Int64N(5), signals.ByLastSeen: int64(begin) + random.Int64N(9), signals.ByEvents: random.Int64N(20),
			}}
			state, reason := "open", ""
			if !n.open {
				state, reason = "archived", "merged"
			}
			all[id] = n
			values = append(values, fmt.Sprintf("('%s', %d, %d, fromUnixTimestamp64Milli(%d), '%s', '%s', '%s', fromUnixTimestamp64Milli(%d), %d, 'h')",
				id, version+1, i%7, n.at, state, reason, severities[n.value[signals.BySeverity]], n.value[signals.ByLastSeen], n.value[signals.ByEvents]))
		}
	}
	random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	for part := range slices.Chunk(values, 50) {
		if err := conn.Exec(t.Context(), insert+strings.Join(part, ", ")); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for id, n := range all {
		if n.open {
			want = append(want, id)
		}
	}
	for _, asked := range []signals.Search{
		{}, {Ascending: true}, {By: signals.BySeverity}, {By: signals.BySeverity, Ascending: true}, {By: signals.ByLastSeen},
		{By: signals.ByLastSeen, Ascending: true}, {By: signals.ByEvents}, {By: signals.ByEvents, Ascending: true},
	} {
		slices.SortFunc(want, func(a, b string) int {
			order := cmp.Or(cmp.Compare(all[b].value[asked.By], all[a].value[asked.By]), cmp.Compare(all[b].at, all[a].at), strings.Compare(b, a))
			if asked.Ascending {
				order = -order
			}
			return order
		})
		limits := []int{2, 9, 1000}
		if asked.By == signals.ByTime {
			limits = append(limits, 1)
		}
		for _, limit := range limits {
			if got := pagesOf(t, adapter.NewSignals(conn), asked, limit); !slices.Equal(got, want) {
				t.Errorf("%+v, limit %d:\ngot  %v\nwant %v", asked, limit, got, want)
			}
		}
	}
}

// pagesOf are the signals of all pages of a search for host h.
func pagesOf(t *testing.T, s *adapter.Signals, asked signals.Search, limit int) (ids []string) {
	t.Helper()
	asked.Limit, asked.Query = limit, "host:h"
	for range 100 {
		_, page := searchSignals(t, s, asked)
		for _, found := range page.Signals {
			ids = append(ids, found.ID)
		}
		if asked.After = page.Next; asked.After == (signals.Cursor{}) {
			return ids
		}
	}
	t.Fatal("the pages have no end")
	return nil
}

func TestSignalIsReadByID(t *testing.T) {
	conn := signalsTable(t)
	id := `q'\` + "\n"
	store(t, conn, `a`, 1, begin, "web1", "open", "")
	store(t, conn, `a`, 2, begin, "web2", "open", "")
	s := adapter.NewSignals(conn)
	got, err := s.Signal(t.Context(), "a")
	if err != nil || got.Host != "web2" || got.At != begin || !strings.Contains(got.Attributes, `"title":"t"`) {
		t.Errorf("got %+v, %v", got, err)
	}
	var missing *schema.NotFoundError
	if _, err := s.Signal(t.Context(), id); !errors.As(err, &missing) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestMistakeInASearchIsPlaced(t *testing.T) {
	s := adapter.NewSignals(nil)
	_, err := s.SearchSignals(t.Context(), signals.Search{Query: "a (b", Limit: 1})
	var invalid *schema.InvalidError
	if !errors.As(err, &invalid) || invalid.Details[0].Target != "filter.query" {
		t.Errorf("got %v", err)
	}
}

func TestCellsAreWhatJSONCanHold(t *testing.T) {
	s := adapter.NewSQL(testenv.ClickHouse(t))
	for sql, want := range map[string]string{
		"1": "1", "toUInt64(18446744073709551615)": `"18446744073709551615"`,
		"toInt64(9007199254740991)": "9007199254740991", "toInt64(-9007199254740993)": `"-9007199254740993"`,
		"toUInt256('99999999999999999999')": `"99999999999999999999"`, "toInt128(5)": "5",
		"0.1": "0.1", "toFloat32(0.1)": "0.1", "nan": "null", "-inf": "null", "NULL": "null", "toNullable(7)": "7",
		"'a\\0b\"'": `"a\u0000b\""`, "true": "true", "[1,NULL]": "[1,null]", "map('a', 1)": `{"a":1}`,
		"(1, 'x')": `[1,"x"]`, "CAST((1, 'x'), 'Tuple(n Int8, s String)')": `{"n":1,"s":"x"}`,
		"toDateTime64('2026-03-01 12:00:00.5', 3, 'UTC')":   `"2026-03-01T12:00:00.5Z"`,
		"toDateTime('2026-03-01 12:00:00', 'Europe/Paris')": `"2026-03-01T11:00:00Z"`,
		"toDate('2026-03-01')":                              `"2026-03-01"`,
		"toDecimal64(1.25, 2)":                              "1.25",
		"toDecimal128('12345678901234567890.12', 2)":        `"12345678901234567890.12"`,
		"toIPv4('10.0.0.1')":                                `"10.0.0.1"`,
		"toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')":    `"61f0c404-5cb3-11e7-907b-a6006ad3dba0"`,
		"CAST('x', 'Enum8(\\'x\\' = 1)')":                   `"x"`,
		"toFixedString('ab', 3)":                            `"ab\u0000"`,
		"toLowCardinality('w')":                             `"w"`,
		`'{"a":{"b":1},"c":"x","d":[1,2]}'::JSON`:           `{"a":{"b":1},"c":"x","d":[1,2]}`,
		"unhex('ff')":                                       `"` + "\uFFFD" + `"`, "CAST(5, 'Dynamic')": "5",
		"CAST('s', 'Variant(String, UInt8)')": `"s"`,
	} {
		t.Run(sql, func(t *testing.T) {
			got, err := s.QuerySQL(t.Context(), "SELECT "+sql, nil, 10)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := json.Marshal(got.Rows[0][0]); err != nil || string(text) != want {
				t.Errorf("got %s (%v), want %s", text, err, want)
			}
		})
	}
}

func TestRowsAreCappedAloud(t *testing.T) {
	s := adapter.NewSQL(testenv.ClickHouse(t))
	for limit, truncated := range map[int]bool{99: true, 100: false} {
		got, err := s.QuerySQL(t.Context(), "SELECT number FROM numbers(100)", nil, limit)
		if err != nil || len(got.Rows) != limit || got.Truncated != truncated {
			t.Errorf("%d rows, truncated %t, %v", len(got.Rows), got.Truncated, err)
		}
	}
	// The rest is not waited for: it would take hours.
	if _, err := s.QuerySQL(t.Context(), "SELECT number FROM numbers(1000000000000)", nil, 10); err != nil {
		t.Error(err)
	}
}

func TestParametersArriveAsTheyWereSent(t *testing.T) {
	s := adapter.NewSQL(testenv.ClickHouse(t))
	text := `C:\new\tool.exe` + "\n\t'quoted'"
	got, err := s.QuerySQL(t.Context(), "SELECT {a:String}, {b:UInt8} + 1, {c:Array(String)}", map[string]any{"a": text, "b": 5.0, "c": []any{"x", "it's"}}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := json.Marshal(got.Rows[0]); string(out) != `["C:\\new\\tool.exe\n\t'quoted'",6,["x","it's"]]` {
		t.Errorf("got %s", out)
	}
}

// The same, as the user that ad hoc queries run as.
func TestAnalystAsksWithParametersAndReadsNothingElse(t *testing.T) {
	options := testenv.Options(t)
	admin := testenv.Open(t, options)
	if err := admin.Exec(t.Context(), "CREATE TABLE seen (s String) ENGINE = Memory"); err != nil {
		t.Fatal(err)
	}
	if err := admin.Exec(t.Context(), "INSERT INTO seen VALUES ('a'), ('b')"); err != nil {
		t.Fatal(err)
	}
	analyst := testenv.Server(t).Options(clickhouse.Analyst)
	analyst.Auth.Database = options.Auth.Database
	s := adapter.NewSQL(testenv.Open(t, analyst))
	got, err := s.QuerySQL(t.Context(), "SELECT s FROM seen WHERE s = {s:String}", map[string]any{"s": "b"}, 10)
	if err != nil || len(got.Rows) != 1 {
		t.Errorf("got %v, %v", got.Rows, err)
	}
	for _, sql := range []string{"SELECT * FROM system.users", "DROP TABLE seen", "SELECT * FROM url('http://127.0.0.1/', 'CSV')"} {
		var refused *api.RefusedError
		if _, err := s.QuerySQL(t.Context(), sql, nil, 10); !errors.As(err, &refused) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestRefusalIsInTheServersWordsWithoutItsInsides(t *testing.T) {
	s := adapter.NewSQL(testenv.ClickHouse(t))
	_, err := s.QuerySQL(t.Context(), "SELECT nonsense FROM system.one", nil, 10)
	var refused *api.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "nonsense") {
		t.Fatalf("got %v", err)
	}
	for _, inside := range []string{"127.0.0.1", "version", "Stack trace", "DB::Exception"} {
		if strings.Contains(refused.Message, inside) {
			t.Errorf("%q in %s", inside, refused.Message)
		}
	}
}

func TestQueryEndsWithItsCaller(t *testing.T) {
	conn := testenv.ClickHouse(t)
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	_, err := adapter.NewSQL(conn).QuerySQL(ctx, "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1 /* planted */", nil, 10)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		var running uint64
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%planted%' AND query NOT LIKE '%processes%'").Scan(&running); err != nil {
			t.Fatal(err)
		}
		if running == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the query still runs")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A mistake is told at its place in the query that was sent, whatever was asked before it.
func TestRefusalOfSQLSaysWhere(t *testing.T) {
	s := adapter.NewSQL(testenv.ClickHouse(t))
	for query, want := range map[string]string{
		"SELECT host FROM events GRUP BY host":      "1:30: ",
		"SELECT host\nFROM events\nGRUP BY host":    "3:6: ",
		"SELECT 'ü', host FROM events GRUP BY host": "1:35: ",
		"SELECT host FROM events WHERE (":           "1:31: ",
		"SELECT count(":                             "1:13: ",
		"\n\n  SELECT FROM FROM":                    "3:19: ",
	} {
		_, err := s.QuerySQL(t.Context(), query, nil, 10)
		if err == nil || !strings.HasPrefix(err.Error(), want+"ClickHouse (code 62)") {
			t.Errorf("%q: got %v, want it at %s", query, err, want)
		}
	}
}
