package reference

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// readAll is what a file says: its columns, and its rows.
func readAll(text string, o CSVOptions) (string, error) {
	c, err := NewCSV(strings.NewReader(text), o)
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range c.Fields {
		name := f.Name
		if f.Match != Auto {
			name += ":" + string(f.Match)
		}
		names = append(names, name)
	}
	out := strings.Join(names, "|")
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return "", err
		}
		out += fmt.Sprintf(" %d:%s", c.Line(), strings.Join(row, "|"))
	}
}

// TestFilesOfTablesAreReadAsPeopleHaveThem has lists as they are published, and as
// spreadsheets write them.
func TestFilesOfTablesAreReadAsPeopleHaveThem(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a header", "address,reason\n192.0.2.1,x\n", "address|reason 2:192.0.2.1|x"},
		{"a byte order mark", "\ufeffaddress,reason\r\n192.0.2.1,x\r\n", "address|reason 2:192.0.2.1|x"},
		{"a mark before a list", "\ufeff192.0.2.1\n192.0.2.2\n", "value 1:192.0.2.1 2:192.0.2.2"},
		{"blanks", " address , reason \n 192.0.2.1 ,\t x y \n\n  \"192.0.2.2\", \" z \"\n", "address|reason 2:192.0.2.1|x y 4:192.0.2.2|z"},
		{"comments", "# a list\n; of ours\naddress\n  # one\n192.0.2.1\n;192.0.2.2\n", "address 5:192.0.2.1"},
		{"remarks of a list", "; Spam list\n192.0.2.0/24 ; SBL1\n198.51.100.0/24 ; SBL2, two\n203.0.113.0/24\n", "value 2:192.0.2.0/24 3:198.51.100.0/24 4:203.0.113.0/24"},
		{"a comment in quotes is a value", "channel,note\n\"#general\",x\n\"a\n# b\",y\n", "channel|note 2:#general|x 3:a\n# b|y"},
		{"no header: addresses", "192.0.2.1,3\n192.0.2.2,4\n", "value|column2 1:192.0.2.1|3 2:192.0.2.2|4"},
		{"no header: one address", "192.0.2.1", "value 1:192.0.2.1"},
		{"no header: domains", "evil.example\nbad.example\n", "value 1:evil.example 2:bad.example"},
		{"no header: hashes", "d41d8cd98f00b204e9800998ecf8427e,x\n", "value|column2 1:d41d8cd98f00b204e9800998ecf8427e|x"},
		{"no header: mail", "a@b.example\nc@d.example\n", "value 1:a@b.example 2:c@d.example"},
		{"a header with a dot", "usr.name\nbob\n", "usr.name 2:bob"},
		{"tabs", "192.0.2.1\t3\n192.0.2.2\t4\n", "value|column2 1:192.0.2.1|3 2:192.0.2.2|4"},
		{"semicolons", "address;reason\n192.0.2.1;x, y\n", "address|reason 2:192.0.2.1|x, y"},
		{"a kind", "domain:wildcard\n*.Evil.example\n", "domain:wildcard 2:*.Evil.example"},
		{"only comments", "# nothing\n", "1:1: the file is empty; its first line names the columns"},
		{"a line too long", "a,b\n1,2\n1,2,3\n", `3:1: the line has 3 values, and there are 2 columns: "a", "b"`},
		{"a bad quote", "a\nx\"y\n", "2:2: bare \" in non-quoted-field"},
	} {
		got, err := readAll(c.text, CSVOptions{})
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestColumnsMayBeNamedFromOutside(t *testing.T) {
	for _, c := range []struct {
		name, text string
		options    CSVOptions
		want       string
	}{
		{"names for a file without", "192.0.2.1,x\n", CSVOptions{Columns: []string{"address", "reason"}}, "address|reason 1:192.0.2.1|x"},
		{"names that are there", "reason,address\nx,192.0.2.1\n", CSVOptions{Columns: []string{"address", "reason"}}, "reason|address 2:x|192.0.2.1"},
		{"with kinds", "domain\nevil.example\n", CSVOptions{Columns: []string{"domain:wildcard"}}, "domain:wildcard 2:evil.example"},
		{"with the file's kinds", "domain:wildcard\nevil.example\n", CSVOptions{Columns: []string{"domain"}}, "domain:wildcard 2:evil.example"},
		{"under a mark and a comment", "\ufeff# x\n192.0.2.1\n", CSVOptions{Columns: []string{"address"}}, "address 2:192.0.2.1"},
		{"too few", "192.0.2.1,x\n", CSVOptions{Columns: []string{"address"}}, "1:1: the line has 2 values, and the columns are address"},
		{"no header", "bob\nann\n", CSVOptions{NoHeader: true}, "value 1:bob 2:ann"},
		{"no header, looks like one", "name,role\nann,it\n", CSVOptions{NoHeader: true}, "value|column2 1:name|role 2:ann|it"},
	} {
		got, err := readAll(c.text, c.options)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestDomainsCompareWhateverTheirCase(t *testing.T) {
	for _, c := range []struct {
		kind        Kind
		cell, value string
		want        bool
	}{
		{Auto, "Evil.Example.COM", "evil.example.com", true},
		{Auto, "evil.example.com", "EVIL.example.com.", true},
		{Auto, "Bob", "bob", false},
		{Auto, "/tmp/Evil.example", "/tmp/evil.example", false},
		{Auto, "xn--Bcher-kva.example", "XN--bcher-KVA.example", true},
		{Exact, "Evil.example", "evil.example", false},
		{Wildcard, "*.Evil.example", "a.EVIL.example", true},
		{Wildcard, "*.evil.example", "https://a.evil.EXAMPLE", true},
		{Wildcard, "*.evil.example", "a.evil.example.", true},
		{Wildcard, "/Tmp/*", "/tmp/x", false},
	} {
		column, err := newColumn(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		r, err := column.intern(c.cell)
		if err != nil {
			t.Fatal(err)
		}
		column.add(r, 1)
		if got := column.has(c.value, 1); got != c.want {
			t.Errorf("%s %q has %q: %v, want %v", c.kind, c.cell, c.value, got, c.want)
		}
	}
}

// FuzzCSV: whatever a file has, reading ends, and what is read of it is read the
// same way again from what is written of it.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a,b:cidr\n1,10.0.0.0/8\n", "\ufeff\"a\"\r\n\"x\ny\"\r\n", "10.0.0.0/8\n", "\ufeff# x\n192.0.2.1 ; y\n", "\"#a\nb\"\n", "a;b\n;c\n", "evil.example\n", "\t\n#"} {
		f.Add(seed, "")
	}
	f.Add("192.0.2.1\n", "address")
	f.Fuzz(func(t *testing.T, text, columns string) {
		o := CSVOptions{}
		if columns != "" {
			o.Columns = strings.Split(columns, ",")
		}
		c, err := NewCSV(strings.NewReader(text), o)
		if err != nil {
			return
		}
		for n := 0; ; n++ {
			row, err := c.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				if !strings.Contains(err.Error(), ":") {
					t.Fatalf("an error without its place: %v", err)
				}
				return
			}
			if len(row) != len(c.Fields) || n > len(text) {
				t.Fatalf("row %d: %q of %v", n, row, c.Fields)
			}
			for i, cell := range row {
				if cell != strings.TrimSpace(cell) {
					t.Errorf("row %d has blanks: %q", n, row[i])
				}
			}
		}
	})
}
