package search_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
	"nightjar/testenv"
)

// ask runs a statement of one row and scans it.
func ask(t testing.TB, w *searchtest.World, p *search.Params, statement string, into ...any) {
	t.Helper()
	ctx := ch.Context(context.Background(), ch.WithParameters(ch.Parameters(p.Map())))
	if err := w.Conn.QueryRow(ctx, statement).Scan(into...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestParamsArriveAsTheyWere(t *testing.T) {
	w := &searchtest.World{Conn: testenv.ClickHouse(t)}
	var every strings.Builder
	for c := range 256 {
		every.WriteByte(byte(c))
	}
	values := []string{every.String(), "", `\`, `\\N`, `\N`, `'`, `''`, `C:\new\tool.exe`, "{p0:String}", "x'); DROP TABLE events; --", strings.Repeat("long'\\\x00", 20_000)}
	for c := range 256 {
		values = append(values, string([]byte{byte(c)}), "a"+string([]byte{byte(c)})+"n")
	}
	for _, v := range values {
		var p search.Params
		var one string
		var many []string
		ask(t, w, &p, "SELECT "+p.String(v)+", "+p.Strings([]string{v, "x", v}), &one, &many)
		if one != v || len(many) != 3 || many[0] != v || many[1] != "x" || many[2] != v {
			t.Errorf("%q arrives as %q and %q", search.Clip(v), search.Clip(one), many)
		}
	}
	var p search.Params
	for _, i := range []int64{0, -1, math.MinInt64, math.MaxInt64} {
		var got int64
		if ask(t, w, &p, "SELECT "+p.Int(i), &got); got != i {
			t.Errorf("%d arrives as %d", i, got)
		}
	}
}

func TestNumbersHaveTheSameTextOnTheServer(t *testing.T) {
	w := &searchtest.World{Conn: testenv.ClickHouse(t)}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		floats := make([]float64, 2000)
		for i := range floats {
			f := math.Float64frombits(r.Uint64())
			switch r.IntN(4) {
			case 0:
				f = r.NormFloat64() * math.Pow(10, float64(r.IntN(50)-25))
			case 1:
				f = float64(r.Int64N(1_000_000)) / math.Pow(10, float64(r.IntN(12)))
			case 2:
				f = math.Trunc(r.NormFloat64() * math.Pow(10, float64(r.IntN(30))))
			}
			if math.IsNaN(f) || math.IsInf(f, 0) || f == 0 {
				f = 0.1 // what no event holds; zero is an integer there
			}
			floats[i] = f
		}
		var texts []string
		var back []float64
		ctx := ch.Context(t.Context(), ch.WithParameters(ch.Parameters{"f": floatArray(floats)}))
		err := w.Conn.QueryRow(ctx, "SELECT arrayMap(x -> toString(x), {f:Array(Float64)}), arrayMap(x -> assumeNotNull(toFloat64OrNull(toString(x))), {f:Array(Float64)})").Scan(&texts, &back)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range floats {
			if want := schema.FormatFloat(f); texts[i] != want || back[i] != f {
				t.Fatalf("%v: the server writes %s and reads %v, we write %s", f, texts[i], back[i], want)
			}
		}
	}
}

func floatArray(floats []float64) string {
	parts := make([]string, len(floats))
	for i, f := range floats {
		parts[i] = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func TestAddressesAreReadAlike(t *testing.T) {
	w := &searchtest.World{Conn: testenv.ClickHouse(t)}
	r := rand.New(rand.NewPCG(3, 4))
	pieces := []string{"10", "0", "255", "256", "01", "1", ".", ".", ".", ":", ":", "::", "ffff", "FFFF", "abcd", "g", "12345", "%eth0", "/8", " ", "", "1.2.3.4", "::ffff:", "64:ff9b::", "\x00", "-1", "+1", "2001:db8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7"}
	texts := []string{"", "1.2.3.4", "::", "::1", "1.2.3", "1.2.3.4.5", "::ffff:1.2.3.4", "1::2::3", "[::1]", "0x7f.1", "1.2.3.04", "::1.2.3", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9"}
	for range 30_000 {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		texts = append(texts, b.String())
	}
	var p search.Params
	var got []string
	ask(t, w, &p, "SELECT arrayMap(x -> if(match(x, "+p.String(search.StrictAddress)+"), ifNull(hex(toIPv6OrNull(x)), ''), ''), "+p.Strings(texts)+")", &got)
	read := 0
	for i, s := range texts {
		want := ""
		if addr, ok := search.ParseAddress(s); ok {
			bytes := addr.As16()
			want = fmt.Sprintf("%X", bytes[:])
			read++
		}
		if got[i] != want {
			t.Errorf("%q: the server reads %q, we read %q", s, got[i], want)
		}
	}
	t.Logf("%d texts, %d of them addresses", len(texts), read)
}

// TestHostileQueriesAreLittleWork counts memory and objects here, and function calls in
// the server.
func TestHostileQueriesAreLittleWork(t *testing.T) {
	events := searchtest.NewGenerator(5).Events(300)
	w := searchtest.NewWorld(t, events)
	list := func(n int, operator, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(parts, operator)
	}
	for name, text := range map[string]string{
		"parentheses":              strings.Repeat("(", 100<<10),
		"closed parentheses":       strings.Repeat("(", 50<<10) + "a" + strings.Repeat(")", 50<<10),
		"nested to the limit":      strings.Repeat("-(a OR b (c OR ", search.MaxDepth/2) + "x" + strings.Repeat("))", search.MaxDepth/2),
		"negations":                strings.Repeat("-", 100<<10) + "a",
		"signs":                    strings.Repeat("NOT ", 30<<10) + "a",
		"equalities":               "@a:(" + list(10_000, " OR ", "v%d") + ")",
		"different fields":         list(10_000, " OR ", "@f%d:x"),
		"words":                    list(10_000, " OR ", "w%d"),
		"required words":           list(10_000, " ", "w%d"),
		"patterns":                 "@a:(" + list(10_000, " OR ", "*v%d*") + ")",
		"prefixes":                 "@a:(" + list(10_000, " OR ", "v%d*") + ")",
		"ranges":                   "@a:(" + list(5_000, " OR ", "[%d TO 5]") + ")",
		"long word":                strings.Repeat("a", 100<<10),
		"long pattern":             "*" + strings.Repeat("a*", 50<<10),
		"long any":                 strings.Repeat("?", 100<<10),
		"long value pattern":       "@a:" + strings.Repeat("a*", 50<<10),
		"long everywhere":          "*:" + strings.Repeat("?a*", 30<<10),
		"long path":                "@" + strings.Repeat("a.", 5<<10) + "b:x",
		"long odd path":            "@" + strings.Repeat("é`", 3<<10) + ":x",
		"many blocks":              "CIDR(@a" + list(5000, "", ",10.0.%d.0") + ")",
		"many valid blocks":        "CIDR(@a" + strings.Repeat(",10.0.0.0/8", 5000) + ")",
		"quotes":                   `@a:"x' OR 1=1 --" @b:"\"" "'"`,
		"injection in a path":      "@a`) OR 1=1 --:x",
		"injection in an exists":   "_exists_:\"@a`) OR true --\"",
		"injection by placeholder": "@{p0:Identifier}:x {p0:String}",
		"null byte":                "@a\x00b:\"\x00\" \x00",
		"backslashes":              `@a:"C:\\new\\tool.exe" \\\\`,
		"open quote":               `"` + strings.Repeat("a", 100<<10),
		"escapes":                  strings.Repeat(`\`, 100<<10),
		"long everywhere word":     "*:" + strings.Repeat("a", search.MaxWords),
		"long literal":             "@a:" + strings.Repeat("a", 100<<10),
		"limit of ranges":          "@a:(" + list(95, " OR ", "[%d TO 5]") + ")",
		"limit of fields":          list(600, " OR ", "@f%d:x"),
		"limit of words":           list(1000, " ", "w%d"),
		"limit of some words":      list(10_000, " OR ", "Word%d"),
		"limit of some phrases":    list(10_000, " OR ", "\"failed w%d\""),
		"limit of some parts":      list(10_000, " OR ", "*word%d*"),
		"limit of some wildcards":  list(10_000, " OR ", "w%d*x"),
		"limit of some anywhere":   list(10_000, " OR ", "*:w%d"),
		"limit of some values":     list(10_000, " OR ", "@http.useragent:*w%d*"),
		"limit of some patterns":   list(10_000, " OR ", "@http.useragent:w%d*x*"),
		"limit of some tags":       list(10_000, " OR ", "env:w%d*x*"),
		"limit of tags":            list(2300, " AND ", "k%d:v"),
		"limit of negations":       "-" + list(2000, " -", "k%d:v"),
		"too long":                 strings.Repeat("a ", search.MaxLength),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			q, err := search.Parse(text)
			if err == nil {
				_, err = q.SQL(&search.Params{})
			}
			runtime.ReadMemStats(&after)
			if used, objects := after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs; used > 200<<20 || objects > 2_000_000 {
				t.Errorf("parsing and emitting took %d bytes in %d objects", used, objects)
			}
			if err != nil {
				if strings.HasPrefix(name, "limit") {
					t.Errorf("beyond the limit: %v", err)
				}
				return
			}
			w.Calls.Store(0)
			w.Agree(t, q)
			if calls := w.Calls.Load(); calls == 0 || calls > 50_000 {
				t.Errorf("the server called %d functions", calls)
			}
		})
	}
}

var paramNumber = regexp.MustCompile(`\{p\d+`)

func TestSQLDoesNotDependOnUserText(t *testing.T) {
	attribute := func(s string) schema.Field { return schema.Field{Kind: schema.FieldAttribute, Name: s} }
	tag := func(s string) schema.Field { return schema.Field{Kind: schema.FieldTag, Name: s} }
	source := schema.Field{Kind: schema.FieldReserved, Name: "source"}
	nodes := func(s string) []search.Node {
		p := search.LiteralPattern(s)
		var out []search.Node
		for _, f := range []schema.Field{attribute(s), attribute("usr.id"), tag(s), source, {Kind: schema.FieldReserved, Name: "tags"}} {
			out = append(out, search.Equals{Field: f, Value: s}, search.Like{Field: f, Pattern: "*" + p}, search.Exists{Field: f}, search.Network{Field: f, Blocks: []netip.Prefix{netip.MustParsePrefix("::/1")}},
				search.Range{Field: f, Low: search.Bound{Value: s}, High: search.Bound{Open: true}}, search.Negation{Node: search.Equals{Field: f, Value: s}},
				search.Disjunction{Nodes: []search.Node{search.Equals{Field: f, Value: s}, search.Equals{Field: f, Value: "x"}}})
		}
		return append(out, search.Words{Pattern: p}, search.Words{Pattern: "x " + p + "*", Everywhere: true}, search.Disjunction{Nodes: []search.Node{search.Words{Pattern: p}, search.Words{Pattern: "x?"}}})
	}
	plain := nodes("plain")
	for _, text := range []string{`q'uote`, `q"uote`, "back`tick", `b\slash`, "semi;colon", "comment--", "{p0:String}", "Identifier", "a.b", "p0", "n\x00l", ") OR (1=1"} {
		for i, n := range nodes(text) {
			sql, err := (&search.Query{Root: n}).SQL(&search.Params{})
			want, _ := (&search.Query{Root: plain[i]}).SQL(&search.Params{})
			// Equal values share a parameter, so the numbers may differ.
			if err != nil || paramNumber.ReplaceAllString(sql, "{") != paramNumber.ReplaceAllString(want, "{") {
				t.Errorf("SQL depends on %q (%v):\n%s\n%s", text, err, sql, want)
			}
		}
	}
}

func TestPredicatesPruneGranules(t *testing.T) {
	w := &searchtest.World{Conn: testenv.ClickHouse(t)}
	if err := w.Conn.Exec(t.Context(), schema.Events.CreateSQL()); err != nil {
		t.Fatal(err)
	}
	const insert = `INSERT INTO events (seq, timestamp, seen, source, service, message, attributes)
		SELECT number, fromUnixTimestamp64Milli(1700000000000 + number), fromUnixTimestamp64Milli(1700000000000), 's' || toString(intDiv(number, 40000)), 'svc' || toString(intDiv(number, 40000)), 'Word w' || toString(intDiv(number, 1000)),
		'{"usr.id":"u' || toString(intDiv(number, 1000)) || '","evt.name":"e' || toString(intDiv(number, 9000)) || '"}' FROM numbers(200000)`
	if err := w.Conn.Exec(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	for query, most := range map[string]int{
		`source:s2`:         8,
		`source:(s2 OR s3)`: 14,
		`service:svc2`:      8,
		`timestamp:[1700000001000 TO 1700000002000]`: 2,
		`@usr.id:u77`:                        6,
		`@usr.id:(u77 OR u78)`:               8,
		`source:s2 @usr.id:u100`:             3,
		`@evt.name:e3`:                       7,
		`w77`:                                3,
		`"WORD w77"`:                         3,
		`w77 OR "word w78"`:                  4,
		`source:s2 -@usr.id:u100 @a:b "x y"`: 8,
	} {
		q, err := search.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		var p search.Params
		sql, err := q.SQL(&p)
		if err != nil {
			t.Fatal(err)
		}
		if read := granules(t, w, sql, &p); read > most {
			t.Errorf("%s reads %d granules, at most %d are expected: %s", query, read, most, sql)
		}
	}
}

// granules is how many granules the server would read.
func granules(t *testing.T, w *searchtest.World, where string, p *search.Params) int {
	t.Helper()
	rows, err := w.Conn.Query(ch.Context(t.Context(), ch.WithParameters(ch.Parameters(p.Map()))), "EXPLAIN indexes = 1 SELECT seq FROM events WHERE "+where)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	read := regexp.MustCompile(`Parts: \d+ \| Granules: (\d+)`)
	found := -1
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
		if m := read.FindStringSubmatch(line); m != nil {
			found, _ = strconv.Atoi(m[1])
		}
	}
	if found < 0 {
		t.Fatalf("no granules in\n%s", strings.Join(lines, "\n"))
	}
	return found
}
