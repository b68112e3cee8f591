package search_test

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestFunctionsMeanWhatTheySay asks both readers of one event a line.
func TestFunctionsMeanWhatTheySay(t *testing.T) {
	type answer struct {
		query string
		holds bool
	}
	var events []schema.Event
	var answers [][]answer
	add := func(attributes string, said ...any) {
		e := schema.Event{Source: "Sshd", Message: "Größe", Tags: []string{"env:prod", "env:dev", "x"}}
		var err error
		if e.Attributes, err = schema.ParseAttributes(attributes); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
		var list []answer
		for i := 0; i < len(said); i += 2 {
			list = append(list, answer{said[i].(string), said[i+1].(bool)})
		}
		answers = append(answers, list)
	}
	add(`{"user":"ADMIN_ſ","n":404,"names":["Bob","eve"],"t":true}`,
		`ICASE(@user, admin_s)`, true, `ICASE(@user, "admin*")`, false, `ICASE(@user, Adm*)`, true, `ICASE(@names, root, BOB)`, true,
		`ICASE(@user, admin)`, false, `ICASE(@n, 404)`, true, `ICASE(@t, TRUE)`, true, `ICASE(source, sshd)`, true, `ICASE(env, PROD)`, true,
		`ICASE(message, größe)`, true, `ICASE(message, GRÖẞE)`, true, `-ICASE(@missing, *)`, true,
		`REGEX(@user, "^ADMIN")`, true, `REGEX(@user, "admin")`, false, `REGEX(@user, "(?i)admin_s$")`, true, `REGEX(@n, "^4\d+$")`, true,
		`REGEX(@names, "v")`, true, `REGEX(tags, "^env:d")`, true, `REGEX(@t, "ru")`, true, `REGEX(@user, "^\pL")`, true,
		`LENGTH(@user) = 7`, true, `LENGTH(@names) > 3`, false, `LENGTH(@names) >= 3`, true, `LENGTH(message) = 5`, true, `LENGTH(@missing) < 100`, false, `LENGTH(@n) == 3`, true,
		`COUNT(@names) = 2`, true, `COUNT(@n) = 1`, true, `COUNT(@missing) < 1`, true, `COUNT(tags) > 2`, true, `COUNT(env) = 2`, true, `COUNT(host) = 0`, true,
		`SAME(@n, @user)`, false, `SAME(@names, @names)`, true, `SAME(@missing, @missing)`, false)
	add(`{"a":"x","b":["y","x"],"c":{"a":"z"},"d":5,"e":"5"}`,
		`SAME(@a, @b)`, true, `SAME(@a, @c.a)`, false, `SAME(@d, @e)`, true)
	add(`{"authorizationInfo":[{"permission":"x","granted":true},{"permission":"y","granted":false,"resource":{"name":"r1"}}]}`,
		`ANY(@authorizationInfo, @permission:x @granted:false)`, false, `@authorizationInfo.permission:x @authorizationInfo.granted:false`, true,
		`ANY(@authorizationInfo, @permission:y @granted:false)`, true, `ANY(@authorizationInfo, -@resource.name:*)`, true,
		`ANY(@authorizationInfo, @permission:y -@resource.name:r1)`, false, `ANY(@authorizationInfo, ICASE(@permission, X) AND NOT @granted:false)`, true,
		`ANY(@authorizationInfo, @resource:(a OR b) OR @resource.name:r*)`, true, `-ANY(@authorizationInfo, @permission:z)`, true,
		`COUNT(@authorizationInfo) = 2`, true, `COUNT(@authorizationInfo.permission) = 2`, true, `ANY(@missing, *)`, false, `ANY(@authorizationInfo, *)`, true)
	add(`{"a.b":[{"c.d":1,"k":"}\"["}],"a":{"b":[{"c":{"d":2}},null,[{"c.d":3}]]},"big":18446744073709551616,"text":",123456789012345678901,"}`,
		`ANY(@a.b, @c.d:1 @k:"}\"[")`, true, `ANY(@a.b, @c.d:2)`, true, `ANY(@a.b, @c.d:3)`, false, `ANY(@a.b, @c.d:1 @c.d:2)`, false,
		`COUNT(@a.b) = 4`, true, `COUNT(@big) = 1`, true, `LENGTH(@text) = 23`, true, `SAME(@text, @text)`, true)
	add(`{"one":{"p":"v","q":[1,5]},"n":null,"empty":[],"least":-9223372036854775808}`,
		`ANY(@one, @p:v @q:>4)`, true, `ANY(@one, @q:[2 TO 4])`, false, `COUNT(@n) = 0`, true, `COUNT(@empty) = 0`, true, `COUNT(@one) = 1`, true, `ANY(@empty, *)`, false,
		`ANY(@n, *)`, false, `ANY(@one, COUNT(@q) = 2 LENGTH(@p) = 1)`, true, `ANY(@one, SAME(@p, @q))`, false, `ANY(@one, CIDR(@p, 10.0.0.0/8))`, false, `COUNT(@least) = 1`, true)
	add(`{"l":[{"p":[["x"],[[["y"]]],"[["],"q":[[{"r":[[1]]}]]},[{"p":"in"}]]}`,
		`ANY(@l, @p:x @p:y @q.r:1)`, true, `ANY(@l, _exists_:@q.r LENGTH(@p) = 1 SAME(@p, @p))`, true, `ANY(@l, ICASE(@p, Y) REGEX(@p, "^x$") @q.r:[1 TO 2])`, true,
		`ANY(@l, @p:in)`, false, `@l.p:in @l.q.r:1`, true, `ANY(@l, ANY(@q.r, *))`, false, `COUNT(@l.p) = 3`, true, `LENGTH(@l.p) = 1`, true)
	add(`{"deep":{"l":[{"n":[36893488147419103232,-9223372036854776000,-9223372036854776000],"p":"q\\\"[36893488147419103232,","o":{"n":18446744073709551616}}]}}`,
		`ANY(@deep.l, @p:q* @n:>5)`, true, `ANY(@deep.l, @o.n:[18446744073709551000 TO 18446744073709553000] LENGTH(@n) = 20)`, true,
		`COUNT(@deep.l.n) = 3`, true, `COUNT(@deep.l.o) = 1`, true, `ANY(@deep.l, ANY(@o, @n:*))`, true)
	w := searchtest.NewWorld(t, events)
	for i, list := range answers {
		for _, a := range list {
			q, err := search.Parse(a.query)
			if err != nil {
				t.Errorf("%s: %v", a.query, err)
				continue
			}
			if got := q.Match(&w.Events[i]); got != a.holds {
				t.Errorf("%s of %s: %t", a.query, w.Events[i].JSON, got)
			}
			w.Agree(t, q)
			w.Agree(t, q.InAnyCase())
		}
	}
}

func TestCaseInsensitiveQueries(t *testing.T) {
	e := schema.Event{Source: "windows", Tags: []string{"Env:Prod"}}
	var err error
	if e.Attributes, err = schema.ParseAttributes(`{"EventData":{"Image":"C:\\Windows\\System32\\CMD.exe","commandline":"cmd /c WHOAMI","n":5,"items":[{"Name":"A","Ok":"YES"},{"Name":"b","Ok":"no"}]}}`); err != nil {
		t.Fatal(err)
	}
	w := searchtest.NewWorld(t, []schema.Event{e})
	for text, want := range map[string]bool{
		`@eventdata.image:*\\cmd.EXE`:                                          true,
		`@EventData.CommandLine:"CMD /C whoami"`:                               true,
		`-@eventdata.image:*\\cmd.exe`:                                         false,
		`@eventdata.N:5 @EVENTDATA.N:[1 TO 5] _exists_:@EVENTDATA.n`:           true,
		`source:WINDOWS`:                                                       true,
		`ANY(@eventdata.ITEMS, @name:a @ok:yes)`:                               true,
		`ANY(@eventdata.ITEMS, @name:b @ok:yes)`:                               false,
		`COUNT(@eventdata.ITEMS) = 2 LENGTH(@eventdata.image) > 10`:            true,
		`REGEX(@eventdata.image, "SYSTEM32") SAME(@eventdata.N, @EVENTDATA.n)`: true,
		`@eventdat.image:*`:                                                    false,
	} {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		q = q.InAnyCase()
		if got := q.Match(&w.Events[0]); got != want {
			t.Errorf("%s: %t", text, got)
		}
		w.Agree(t, q)
	}
}

func TestCaseInsensitiveReadersAgree(t *testing.T) {
	g := searchtest.NewGenerator(77)
	events := g.Events(400)
	for i := range events {
		if i%2 == 0 {
			events[i].Attributes, _ = schema.ParseAttributes(strings.ToUpper(events[i].JSON))
		}
	}
	w := searchtest.NewWorld(t, events)
	for range 60 {
		w.Agree(t, g.Query().InAnyCase())
	}
}

func TestFunctionsAreRefusedWithAPlace(t *testing.T) {
	for text, says := range map[string]string{
		`ICASE(@a)`:                 "expected a pattern",
		`icase(@a, b)`:              "ICASE is written in capitals",
		`ICAZE(@a, b)`:              "did you mean ICASE(",
		`REGEX(@a, b)`:              "in quotes",
		`REGEX(@a, "(?=b)")`:        "not a regular expression",
		`REGEX(@a, "(a{1000}){9}")`: "not a regular expression",
		`REGEX(@a, "` + strings.Repeat("(ab?c){50}", 200) + `")`: "at most 1000",
		`ANY(host, @a:b)`: "ANY looks into an array",
		`ANY(@a, b)`:      "an element of an array has no message",
		`ANY(@a, host:b)`: "an element of an array has no host",
		`ANY(@a, *:b)`:    "an element of an array has no",
		`ANY(@a, @b:c`:    "never closed",
		`ANY(@a, ANY(@b, ANY(@c, ANY(@d, @e:f))))`: "in more than",
		`SAME(@a)`:          "expected a second field",
		`LENGTH(@a)`:        "expected >, >=",
		`COUNT(@a) > 1.5`:   "expected a whole number",
		`COUNT(@a, @b) > 1`: "takes one field",
	} {
		_, err := search.Parse(text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, want %s", text, err, says)
		}
	}
}

// TestWordsOfScriptsWithoutSpacesAreFound looks for them inside of others.
func TestWordsOfScriptsWithoutSpacesAreFound(t *testing.T) {
	for text, messages := range map[string][]string{
		`登录`:          {"用户登录失败", "登录", "root登录"},
		`ログイン`:        {"ユーザーがログインしました"},
		`เข้าสู่ระบบ`: {"ผู้ใช้เข้าสู่ระบบแล้ว"},
	} {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if !q.Match(&schema.Event{Message: m}) {
				t.Errorf("%s is not found in %s", text, m)
			}
		}
		if q.Match(&schema.Event{Message: "caféroot"}) {
			t.Errorf("%s is found where it is not", text)
		}
	}
}

func TestHowFunctionsAreWrittenIsRight(t *testing.T) {
	for name, text := range search.Functions {
		if q, err := search.Parse(text); err != nil || !strings.HasPrefix(q.String(), name+"(") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestExpressionsFitTheServer gives it those that are as large there as the bounds
// let them be: its programs are of bytes.
func TestExpressionsFitTheServer(t *testing.T) {
	wide := `[\x{81}-\x{801}\x{901}-\x{1001}\x{1101}-\x{FFFE}\x{10081}-\x{10FFFE}]`
	w := searchtest.NewWorld(t, searchtest.NewGenerator(5).Events(20))
	for expr, fits := range map[string]bool{
		strings.Repeat(wide+"{200}", 2):                     true,
		strings.Repeat(wide+"{1000}", 4):                    false,
		`[\x{81}-\x{10FFFE}]{250}[^a]{250}.{250}(?i)k{200}`: true,
		strings.Repeat(`\pL`, 6):                            true,
		`\PL{5}`:                                            true,
		`\pL{1000}`:                                         false,
		`\PL{500}`:                                          false,
		strings.Repeat(`\pL\d`, 300):                        false,
	} {
		q, err := search.Parse(`REGEX(@a, "` + expr + `")`)
		if (err == nil) != fits {
			t.Errorf("%.60s: %v", expr, err)
		}
		if err == nil {
			w.Agree(t, q)
			w.Agree(t, q.InAnyCase())
		}
	}
}

// TestExpressionsLoseTheirCaseWhole has those that a group around them would change,
// or make longer than they may be.
func TestExpressionsLoseTheirCaseWhole(t *testing.T) {
	e := schema.Event{}
	var err error
	if e.Attributes, err = schema.ParseAttributes(`{"a":"X.Y(Z"}`); err != nil {
		t.Fatal(err)
	}
	w := searchtest.NewWorld(t, []schema.Event{e})
	for _, expr := range []string{`\Qx.y(`, `q|x\.y`, `(?:(?-i)X)\.y`, `^x\Q.Y`, `x[` + strings.Repeat(".", search.MaxRegexpLength-3) + `]`} {
		q, err := search.Parse(`REGEX(@a, "` + expr + `")`)
		if err != nil {
			t.Fatal(err)
		}
		if q = q.InAnyCase(); !q.Match(&w.Events[0]) {
			t.Errorf("%.60s is not found", expr)
		}
		w.Agree(t, q)
	}
}

// TestManyTextsAreCompared has tens of thousands of either in an event: where each is
// compared with each it takes minutes, and the test with it.
func TestManyTextsAreCompared(t *testing.T) {
	var b strings.Builder
	for i := range 25_000 {
		fmt.Fprintf(&b, `{"p":"v%d","q":{"r":[%d]}},`, i, i)
	}
	var e schema.Event
	var err error
	if e.Attributes, err = schema.ParseAttributes(`{"a":[` + b.String() + `1]}`); err != nil {
		t.Fatal(err)
	}
	w := searchtest.NewWorld(t, []schema.Event{e, e, e, e})
	for text, want := range map[string]bool{`SAME(@a.p, @a.q.r)`: false, `ANY(@a, SAME(@p, @q.r))`: false, `SAME(@a.p, @a.p)`: true, `SAME(@a.p, tags)`: false} {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []*search.Query{q, q.InAnyCase()} {
			if got := q.Match(&w.Events[0]); got != want {
				t.Errorf("%s: %t", text, got)
			}
			w.Agree(t, q)
		}
	}
}
