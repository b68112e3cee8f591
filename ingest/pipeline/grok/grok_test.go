package grok

import (
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

var received = time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)

// parsed is what the rules make of a text: the object as JSON, "no match", or a mistake.
func parsed(t testing.TB, match, support, text string) string {
	t.Helper()
	p, err := Compile(match, support)
	if err != nil {
		return err.Error()
	}
	var arena fastjson.Arena
	found, _, err := p.Parse(&Context{Received: received, Arena: &arena}, text)
	switch {
	case err != nil:
		return err.Error()
	case found == nil:
		return "no match"
	}
	return string(value.Append(nil, found))
}

// one body, one text, one result.
type body struct{ body, text, want string }

func checkAll(t *testing.T, cases []body) {
	t.Helper()
	for _, c := range cases {
		if got := parsed(t, "r "+c.body, "", c.text); got != c.want {
			t.Errorf("%s on %q:\n%s, want\n%s", c.body, c.text, got, c.want)
		}
	}
}

func TestMatchers(t *testing.T) {
	checkAll(t, []body{
		{`%{word:a} did %{data:b}`, `john did this and that`, `{"a":"john","b":"this and that"}`},
		{`%{data:a}`, "two\nlines", `{"a":"two\u000alines"}`},
		{`%{greedyData:a} %{word:b}`, `x y z`, `{"a":"x y","b":"z"}`},
		{`%{data:a} %{greedyData:b}`, `x y z`, `{"a":"x","b":"y z"}`},
		{`%{notSpace:a}%{space:s}%{notSpace:b}`, "a-b \t c", `{"a":"a-b","s":" \u0009 ","b":"c"}`},
		{`%{word:a}`, `no-word`, `no match`},
		{`%{regex("a|b"):x}c`, `bc`, `{"x":"b"}`},
		{`%{regex("[^\\]]*"):x}\]`, `a:b}]`, `{"x":"a:b}"}`},
		{`%{regex("\\d+"):x} %{regex("say \"hi\"|}"):y}`, `12 say "hi"`, `{"x":"12","y":"say \u0022hi\u0022"}`},
		{`%{integer:a} %{integer:b} %{integerStr:c}`, `-12 +7 +007`, `{"a":-12,"b":7,"c":"+007"}`},
		{`%{integerExt:a} %{integerExtStr:b}`, `12e2 1E+3`, `{"a":1200,"b":"1E+3"}`},
		{`%{number:a} %{number:b} %{number:c} %{numberStr:d}`, `1.50 -3 .5 4.`, `{"a":1.5,"b":-3,"c":0.5,"d":"4."}`},
		{`%{numberExt:a} %{numberExtStr:b}`, `1.2e3 1e-2`, `{"a":1200,"b":"1e-2"}`},
		{`%{number:a}%{integer:b}`, `123`, `no match`}, // a number keeps what it has
		{`%{number:a}5%{data:b}`, `125`, `no match`},
		{`%{number:a}%{data:b}`, `12.5ms`, `{"a":12.5,"b":"ms"}`},
		{`%{boolean:a} %{boolean("yes","no"):b} %{boolean("on|1","off|0"):c}`, `TRUE No 0`, `{"a":true,"b":false,"c":false}`},
		{`%{boolean:a}`, `maybe`, `no match`},
		{`%{quotedString:a} %{doubleQuotedString:b} %{singleQuotedString:c}`, `'x y' "z" ''`, `{"a":"'x y'","b":"\u0022z\u0022","c":"''"}`},
		{`%{uuid:a}`, `123e4567-e89b-12d3-a456-426614174000`, `{"a":"123e4567-e89b-12d3-a456-426614174000"}`},
		{`%{uuid:a}`, `123e4567-e89b-12d3-a456-42661417400`, `no match`},
		{`%{mac:a} %{mac:b} %{mac:c}`, `00:1A:2b:3c:4d:5e 00-1A-2b-3c-4d-5e 001a.2b3c.4d5e`, `{"a":"00:1A:2b:3c:4d:5e","b":"00-1A-2b-3c-4d-5e","c":"001a.2b3c.4d5e"}`},
		{`%{ipv4:a}`, `010.0.0.255`, `{"a":"010.0.0.255"}`},
		{`%{ipv4:a}`, `256.0.0.1`, `no match`},
		{`%{data:x}%{ipv4:a}%{data:y}`, `v1234.1.1.1`, `no match`}, // no digit before an address
		{`%{data:x}%{ipv4:a}%{data:y}`, `v1.2.3.4567`, `no match`}, // nor behind
		{`%{data:x}%{ipv4:a}%{data:y}`, `v1.2.3.4.5`, `{"x":"v","a":"1.2.3.4","y":".5"}`},
		{`%{ipv6:a}`, `2001:db8::8a2e:370:7334`, `{"a":"2001:db8::8a2e:370:7334"}`},
		{`%{ipv6:a} %{ipv6:b} %{ipv6:c} %{ipv6:d}`, `:: ::1 fe80::1%eth0 ::ffff:10.1.2.3`, `{"a":"::","b":"::1","c":"fe80::1%eth0","d":"::ffff:10.1.2.3"}`},
		{`%{ipv6:a} %{ipv6:b} %{ipv6:c}`, `1:2:3:4:5:6:7:8 1:2:3:4:5:6:1.2.3.4 1::`, `{"a":"1:2:3:4:5:6:7:8","b":"1:2:3:4:5:6:1.2.3.4","c":"1::"}`},
		{`%{ipv6:a}`, `1:2:3:4:5:6:7:8:9`, `no match`},
		{`%{ip:a} %{ip:b}`, `10.0.0.1 ::1`, `{"a":"10.0.0.1","b":"::1"}`},
		{`%{hostname:a} %{host:b} %{hostname:c}`, `web-1.example.com. localhost 10.0.0.1`, `{"a":"web-1.example.com.","b":"localhost","c":"10.0.0.1"}`},
		{`%{ipOrHost:a} %{ipOrHost:b}`, `::1 db_1`, `{"a":"::1","b":"db_1"}`},
		{`%{port:a}`, `8080`, `{"a":"8080"}`},
		{`%{port:a}`, `0`, `no match`},
		{`%{hostPort:a} %{hostPort:b}`, `h.x:80 ::1:443`, `{"a":"h.x:80","b":"::1:443"}`},
		{`%{user:a} %{path:b} %{uri:c}`, `bob.b /etc/passwd https://u@h:1/p?q#f`, `{"a":"bob.b","b":"/etc/passwd","c":"https://u@h:1/p?q#f"}`},
		{`%{IPORHOST:a} %{USER:b} \[%{HTTPDATE:c}\] "%{WORD:d} %{URIPATHPARAM:e}" %{NUMBER:f}`, `h.example bob [06/Mar/2013:01:36:30 +0900] "GET /a?b=c" 200`, `{"a":"h.example","b":"bob","c":"06/Mar/2013:01:36:30 +0900","d":"GET","e":"/a?b=c","f":"200"}`},
		{`%{TIMESTAMP_ISO8601:a} %{LOGLEVEL:b} %{QS:c} %{EMAILADDRESS:d}`, `2026-01-02T03:04:05.678Z WARNING "a \"b" x+y@h.example`, `{"a":"2026-01-02T03:04:05.678Z","b":"WARNING","c":"\u0022a \\\u0022b\u0022","d":"x+y@h.example"}`},
		{`%{SYSLOGTIMESTAMP:a} %{HOSTNAME:b} %{SYSLOGPROG:c}: %{GREEDYDATA:d}`, `Mar  7 01:02:03 h sshd[1]: x`, `{"a":"Mar  7 01:02:03","b":"h","c":"sshd[1]","d":"x"}`},
		{`%{integer:a}`, `99999999999999999999`, `{"a":100000000000000000000}`},
	})
}

func TestRegularExpressions(t *testing.T) {
	checkAll(t, []body{
		{`(a|b)%{data:x}`, `bc`, `{"x":"c"}`},
		{`%{word:a} (%{integer:b} )?c`, `x c`, `{"a":"x"}`},
		{`%{word:a} (%{integer:b} )?c`, `x 5 c`, `{"a":"x","b":5}`},
		{`(%{integer:user.id}|%{word:user.firstname}) in`, `john in`, `{"user":{"firstname":"john"}}`},
		{`(%{integer:user.id}|%{word:user.firstname}) in`, `12 in`, `{"user":{"id":12}}`},
		{`(?i)hello %{word:a}`, `HeLLo X`, `{"a":"X"}`},
		{`a.b(?-s)c.d`, "a\nbc\nd", `no match`},
		{`a.b(?-s)c.d`, "a\nbc-d", `{}`},
		{`(?>a+)a`, `aaa`, `no match`},
		{`(?>a|ab)c`, `abc`, `no match`},
		{`a++b`, `aaab`, `{}`},
		{`(?<name>\w+)-\k<name>`, `ab-ab`, `{"name":"ab"}`},
		{`(\w+)-\1`, `ab-ac`, `no match`},
		{`foo(?=bar)%{data:x}`, `foobar`, `{"x":"bar"}`},
		{`foo(?!bar)%{data:x}`, `foobar`, `no match`},
		{`%{data:x}(?<=ab)c`, `xabc`, `{"x":"xab"}`},
		{`%{data:x}(?<!ab)c`, `xabc`, `no match`},
		{`\[%{data:a}\] \#\/\-\{ \x41\u0042\x{43}`, `[x] #/-{ ABC`, `{"a":"x"}`},
		{`\Qa.b\E%{data:x}`, `a.bc`, `{"x":"c"}`},
		{`a{2}b{1,}c{,2}`, `aabbcc`, `{}`},
		{`a{x}`, `a{x}`, `{}`}, // a brace that counts nothing is a character
		{`[[:alpha:]]+[^\W\d]+%{data:x}`, `ab1`, `{"x":"1"}`},
		{`\p{L}+`, `é日`, `{}`},
		{`é+%{data:x}`, `ééa`, `{"x":"a"}`},
		{`(?x)a b # c`, `ab`, `{}`},
		{`a(?#comment)b`, `ab`, `{}`},
		{`%{data:x}`, "\xff!", `{"x":"` + "\uFFFD" + `!"}`},
		{`a|b`, `ab`, `no match`}, // the whole text
		{`\\u001b\[31m%{data:x}`, "\x1b[31mred\x00\t", `{"x":"red\\u0000\u0009"}`},
		{`%{data:a}`, ``, `{}`},
	})
}

func TestTokensAndWhatIsStored(t *testing.T) {
	checkAll(t, []body{
		{`%{word} %{word:} %{word:a}`, `x y z`, `{"a":"z"}`},
		{`%{data::keyvalue}`, `a=1 b=x`, `{"a":1,"b":"x"}`},
		{`%{data::lowercase}`, `ABC`, `{}`}, // no object: nowhere to go
		{`%{word:a.b.c} %{word:a.b.d}`, `x y`, `{"a":{"b":{"c":"x","d":"y"}}}`},
		{`%{word:a} %{word:a} %{word:a}`, `x y z`, `{"a":["x","y","z"]}`},
		{`%{word:a-b@c$1} %{word:["odd name"]} %{word:x["y z"].q}`, `1 2 3`, `{"a-b@c$1":"1","odd name":"2","x":{"y z":{"q":"3"}}}`},
		{`%{data:a:json} %{data:a.b}`, `{"b":1,"c":2} x`, `{"a":{"b":"x","c":2}}`},
		{`%{data:a.b} %{data:a:json}`, `x {"c":2}`, `{"a":{"b":"x","c":2}}`},
		{`%{data:a}:%{data:b}`, `:x`, `{"b":"x"}`}, // empty: not stored
	})
}

func TestHelpersAndRules(t *testing.T) {
	for _, c := range []struct{ match, support, text, want string }{
		{"r %{_user} on %{_host}", "_user %{word:user}\n_host %{notSpace:host}", "bob on h", `{"user":"bob","host":"h"}`},
		{"a %{word:x} one\nb %{word:y} two", "", "q two", `{"y":"q"}`},
		{"a %{word:x}\nb %{a} %{a}", "", "p q", `{"x":["p","q"]}`},
		{"r %{_kv:pair}", "_kv %{word:k}=%{word:v}", "a=b", `{"pair":"a=b","k":"a","v":"b"}`},
		{"r %{_n:when:integer}", "_n \\d+", "12", `{"when":12}`},
		{"# comment\n\n  r %{word:x}\r\n", "", "a", `{"x":"a"}`},
		{"r %{_h}x", "_h a: ", "a: x", `{}`}, // the space at a helper's end counts
		{"r %{_a}", "_a x|y", "y", `{}`},     // alternatives of a helper stay inside it
		{"r z%{_a}", "_a x|y", "zy", `{}`},
		{"my.rule_1 %{word:x}", "", "a", `{"x":"a"}`},
		{"r %{word:x}", "word [0-9]+", "7", `{"x":"7"}`}, // a rule's own name comes first
	} {
		if got := parsed(t, c.match, c.support, c.text); got != c.want {
			t.Errorf("%s / %s on %q:\n%s, want\n%s", c.match, c.support, c.text, got, c.want)
		}
	}
}

// Every matcher and filter compiles by itself, and no matcher is dear.
func TestEveryMatcherAndFilterCompiles(t *testing.T) {
	arguments := map[string]string{"regex": `("a")`, "date": `("yyyy")`, "constant": `("a")`, "scale": "(2)", "nullIf": `("-")`, "csv": `("a,b")`}
	for name := range matchers {
		p, err := Compile("r %{"+name+arguments[name]+":x}", "")
		if err != nil || len(p.Dear()) > 0 {
			t.Errorf("%s: %v, %v", name, err, p)
		}
	}
	for name := range filters {
		if _, err := Compile("r %{data:x:"+name+arguments[name]+"}", ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(matchers) < 70 || len(filters) < 18 {
		t.Errorf("%d matchers, %d filters", len(matchers), len(filters))
	}
}
