package reference

import (
	"strings"
	"testing"

	"nightjar/compiler"
)

func TestMistakesInAFileHaveTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "1:1: the file is empty",
		"a,a\n":                                `1:3: two columns are named "a"`,
		"a,\n":                                 "1:3: the name of a column is empty",
		"a,b\n1,2\n3\n":                        "3:1: the line has 1 values, and there are 2 columns",
		"a,b\n\"1,2\n":                         "2:6: extraneous or missing \" in quoted-field",
		"a\nx\ny\"z\n":                         "3:2: bare \" in non-quoted-field",
		"a,b\n1,\"\xff\"\n":                    `2:3: column b: "\xff" is not UTF-8 text`,
		"a\n" + strings.Repeat("x", MaxCell+1): "2:1: column a: the value has 65537 bytes",
	} {
		_, err := NewMemory().Add("t", strings.NewReader(text), nil)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

func TestFilesAreReadAsTheyCome(t *testing.T) {
	read := func(text, column string) (*Memory, Report) {
		t.Helper()
		m := NewMemory()
		report, err := m.Add("t", strings.NewReader(text), []compiler.TableColumn{{Table: "t", Column: column}})
		if err != nil {
			t.Fatal(err)
		}
		return m, report
	}
	m, report := read("\ufeffip,who\r\n1.2.3.4,\"a, \"\"b\"\"\"\r\n1.2.3.4,c\r\n5.6.7.8,\r\n", "who")
	if report.Rows != 2 || report.Replaced != 1 || !m.Has("t", "who", "c", 0) || m.Has("t", "who", `a, "b"`, 0) || m.Has("t", "who", "", 0) {
		t.Errorf("the last of two rows with one key counts, and an empty cell is no value: %+v", report)
	}
	m, report = read("10.0.0.0/8\n192.0.2.1\n", UnnamedColumn)
	if report.Rows != 2 || !m.Has("t", UnnamedColumn, "10.9.8.7", 0) || !m.Has("t", UnnamedColumn, "192.0.2.1", 0) {
		t.Errorf("a list of networks has no header: %+v", report)
	}
	m, _ = read("domain:wildcard\n*.evil.example\n", "domain")
	if !m.Has("t", "domain", "a.b.evil.example", 0) || m.Has("t", "domain", "evil.example", 0) {
		t.Error("a header may say the kind of comparison")
	}
	m, report = read("net:cidr\n10.0.0.0/8\nnone\n", "net")
	if report.Foreign != 1 || m.Has("t", "net", "none", 0) {
		t.Errorf("what is no network is counted and never found: %+v", report)
	}
}

func TestATableThatThereIsNotIsToldWithTheNearestName(t *testing.T) {
	m := NewMemory()
	if _, err := m.Add("bad_addresses", strings.NewReader("address\n192.0.2.1\n"), nil); err != nil {
		t.Fatal(err)
	}
	got := m.Missing([]compiler.TableColumn{{Table: "bad_adresses", Column: "address"}})
	if len(got) != 1 || !strings.Contains(got[0], `did you mean "bad_addresses"?`) {
		t.Errorf("got %q", got)
	}
}
