package sqlguard

import (
	"strings"
	"testing"
)

func TestGuardLetsReadsThrough(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT 1": "", "select 1 ;; ": "select 1", " \n(SELECT 1) UNION ALL (SELECT 2)": "",
		"WITH x AS (SELECT 1) SELECT * FROM x": "", "EXPLAIN indexes = 1 SELECT 1": "",
		"SHOW TABLES": "", "DESCRIBE events": "", "desc events -- ok; really": "desc events",
		"SELECT ';', \"a;b\", `c;d` /* ; DROP */ FROM t": "", "SELECT 'it''s; \\'; x'": "",
		"SELECT settings, format FROM t":            "",
		"SELECT t.settings FROM t WHERE format = 1": "", "SELECT url, file FROM events": "",
		"SELECT 1 AS format FROM t": "", "SELECT format AS f FROM t": "", "SELECT system.settings.name FROM system.settings": "",
		"SELECT $x$ ; file('a') $x$": "", "SELECT attributes.`http.url` FROM events": "",
	} {
		if want == "" {
			want = in
		}
		if got, err := Check(in); err != nil || got != want {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
}

func TestGuardRefusesWhatIsMoreThanARead(t *testing.T) {
	for in, want := range map[string]string{
		"":                                      "empty",
		" ; ":                                   "empty",
		"-- nothing":                            "empty",
		"DROP TABLE events":                     "1:1: DROP is refused",
		"INSERT INTO t SELECT 1":                "1:1: INSERT is refused",
		"SYSTEM SHUTDOWN":                       "1:1: SYSTEM is refused",
		"SET readonly = 0":                      "1:1: SET is refused",
		"'SELECT'":                              "1:1: SELECT is refused",
		"SELECT 1; SELECT 2":                    "1:9: a second statement",
		"SELECT 1 /* ; */ ; SHOW TABLES":        "1:18: a second statement",
		"SELECT 1 INTO OUTFILE 'x'":             "1:10: INTO is refused",
		"SELECT 1\nSETTINGS max_threads = 1":    "2:1: SETTINGS is refused",
		"SELECT 1 FORMAT Native":                "1:10: FORMAT is refused",
		"SELECT * FROM (SELECT 1 SETTINGS a=1)": "1:25: SETTINGS is refused",
		"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x": "INSERT is refused",
		"SELECT 'a' /* no end":                               "1:12: this comment has no end",
		"SELECT 'a":                                          "1:8: this ' has no end",
		"SELECT \x00":                                        "a zero byte",
	} {
		if got, err := Check(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want %s", in, got, err, want)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("SELECT 'x' FROM `t` -- c\n WHERE $a$ b $a$ = \"q\"")
	f.Add("(WITH /* */ x; ")
	f.Fuzz(func(t *testing.T, in string) {
		out, err := Check(in)
		if err != nil {
			return
		}
		// What is let through is let through again, unchanged.
		if again, err := Check(out); err != nil || again != out {
			t.Errorf("%q became %q, then %q, %v", in, out, again, err)
		}
	})
}
