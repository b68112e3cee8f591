package files

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// written is a file of a test, by name.
func written(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// all are the records of a file as texts, raw ones behind a "raw ".
func all(t testing.TB, path string, o Options) (texts, places []string, err error) {
	t.Helper()
	err = Each(path, o, func(r Record) error {
		text := string(r.Text)
		if r.JSON {
			var compact bytes.Buffer
			if json.Compact(&compact, r.Text) == nil {
				text = compact.String()
			}
		} else {
			text = "raw " + text
		}
		texts = append(texts, text)
		places = append(places, strings.TrimPrefix(r.Place.String(), filepath.Dir(path)+"/"))
		return nil
	})
	return texts, places, err
}

var three = []string{
	`{"timestamp":"1700000000000","source":"s","message":"m0, \"quoted\""}`,
	`{"timestamp":"1700000000001","source":"s","message":"m1 } ] ü"}`,
	`{"timestamp":"1700000000002","source":"s","message":"m2"}`,
}

func pretty(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEveryFormOfALogGivesTheSameRecords has one log in all forms that are read.
func TestEveryFormOfALogGivesTheSameRecords(t *testing.T) {
	lines := strings.Join(three, "\n") + "\n"
	list := "[" + strings.Join(three, ",") + "]"
	hits, items := make([]string, 3), make([]string, 3)
	for i, e := range three {
		hits[i] = fmt.Sprintf(`{"_index":"x","_id":"%d","_source":%s}`, i, e)
		items[i] = fmt.Sprintf(`{"id":"a%d","type":"log","attributes":%s}`, i, e)
	}
	wide := utf16.Encode([]rune("\ufeff" + lines))
	var little, big []byte
	for _, c := range wide {
		little, big = append(little, byte(c), byte(c>>8)), append(big, byte(c>>8), byte(c))
	}
	forms := map[string][]byte{
		"lines.ndjson":     []byte(lines),
		"crlf.ndjson":      []byte(strings.ReplaceAll(lines, "\n", "\r\n\r\n")),
		"bom.ndjson":       []byte("\ufeff" + lines),
		"no end.ndjson":    []byte(strings.TrimSpace(lines)),
		"utf16le.ndjson":   little,
		"utf16be.ndjson":   big,
		"array.json":       []byte(list),
		"pretty.json":      []byte(pretty(t, list)),
		"objects.json":     []byte(pretty(t, three[0]) + "\n" + pretty(t, three[1]) + pretty(t, three[2])),
		"one behind.json":  []byte("\n " + strings.Join(three, " ")),
		"arrays.ndjson":    []byte("[" + three[0] + "]\n[" + three[1] + "," + three[2] + "]\n"),
		"trail.json":       []byte(`{"Records":` + list + `}`),
		"trails.json":      []byte(`{"Records":[` + three[0] + `]}` + "\n" + `{"Records":[` + three[1] + "," + three[2] + `]}`),
		"trail pretty":     []byte(pretty(t, `{"Records":`+list+`}`)),
		"azure.json":       []byte(`{"@odata.context":"x","value":` + list + `,"@odata.nextLink":"y"}`),
		"hub.json":         []byte(pretty(t, `{"records":`+list+`}`)),
		"audit.json":       []byte(`{"kind":"EventList","apiVersion":"v1","metadata":{"a":[1]},"items":` + list + `}`),
		"hook.json":        []byte(`{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","source":"https://example.com/hooks/1","eventId":"e","data":{"events":` + list + `},"contentType":"application/json"}`),
		"elastic.json":     []byte(pretty(t, `{"took":1,"timed_out":false,"_shards":{"total":1},"hits":{"total":{"value":3},"max_score":null,"hits":[`+strings.Join(hits, ",")+`]},"x":{"y":"}"}}`)),
		"elastic.ndjson":   []byte(strings.Join(hits, "\n")),
		"search.json":      []byte(`{"data":[` + strings.Join(items, ",") + `],"meta":{"status":"done"}}`),
		"search.ndjson":    []byte(strings.Join(items, "\n")),
		"table.csv":        []byte("timestamp,source,message\n1700000000000,s,\"m0, \"\"quoted\"\"\"\n1700000000001,s,m1 } ] ü\n1700000000002,s,m2\n"),
		"table.tsv":        []byte("timestamp\tsource\tmessage\n1700000000000\ts\t\"m0, \"\"quoted\"\"\"\n1700000000001\ts\tm1 } ] ü\n1700000000002\ts\tm2\n"),
		"lines.ndjson.gz":  packed(t, []byte(lines), func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"pretty.json.zst":  packed(t, []byte(pretty(t, list)), func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }),
		"table.csv.xz":     packed(t, []byte("timestamp,source,message\n1700000000000,s,\"m0, \"\"quoted\"\"\"\n1700000000001,s,m1 } ] ü\n1700000000002,s,m2\n"), func(w io.Writer) io.WriteCloser { z, _ := xz.NewWriter(w); return z }),
		"lines.ndjson.bz2": bzipped(t, []byte(lines)),
		"gzip in two":      append(packed(t, []byte(three[0]+"\n"), gzipWriter), packed(t, []byte(three[1]+"\n"+three[2]), gzipWriter)...),
		"logs.tar":         tarred(t, three),
		"logs.tgz":         packed(t, tarred(t, three), gzipWriter),
		"logs.zip":         zipped(t, three),
	}
	for name, content := range forms {
		got, _, err := all(t, written(t, name, content), Options{})
		if diff := cmp.Diff(three, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	if got, _, err := all(t, "-", Options{Stdin: bytes.NewReader(forms["logs.tgz"])}); err != nil || len(got) != 3 {
		t.Errorf("standard input: %q %v", got, err)
	}
}

func gzipWriter(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func packed(t testing.TB, content []byte, writer func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var b bytes.Buffer
	w := writer(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func bzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	c := exec.Command("bzip2", "-c")
	c.Stdin = bytes.NewReader(content)
	out, err := c.Output()
	if err != nil {
		t.Skipf("needs bzip2 to write the file with: %v", err)
	}
	return out
}

func tarred(t *testing.T, members []string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "logs/", Typeflag: tar.TypeDir, Mode: 0o700}); err != nil {
		t.Fatal(err)
	}
	for i, m := range members {
		content := []byte(m)
		if i == 1 {
			content = packed(t, content, gzipWriter)
		}
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("logs/%d", i), Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, members []string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, m := range members {
		f, err := w.Create(fmt.Sprintf("logs/%d", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRecordsHaveTheirPlace names the file, the member and the line.
func TestRecordsHaveTheirPlace(t *testing.T) {
	for name, want := range map[string]struct {
		content []byte
		places  []string
	}{
		"a.log":  {[]byte("\n\none\ntwo\n"), []string{"a.log:3", "a.log:4"}},
		"b.json": {[]byte("[\n {\"a\":\n1},\n\n {\"b\":2}]"), []string{"b.json:2", "b.json:5"}},
		"c.json": {[]byte("{\"Records\":\n[{\"a\":1}\n,{\"b\":2}]}"), []string{"c.json:2", "c.json:3"}},
		"d.csv":  {[]byte("a,b\n1,\"x\ny\"\n2,z\n"), []string{"d.csv:2", "d.csv:4"}},
		"e.tar":  {tarred(t, []string{`{"a":1}`}), []string{"e.tar!logs/0:1"}},
	} {
		_, got, err := all(t, written(t, name, want.content), Options{})
		if diff := cmp.Diff(want.places, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

// TestRawLinesAndObjectsAreToldApart has lines that look like the other.
func TestRawLinesAndObjectsAreToldApart(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"raw":                 {"Nov 14 x\n{\"a\":1}\n{thread} b\n[{x}] c", `raw Nov 14 x|{"a":1}|raw {thread} b|raw [{x}] c`},
		"bracket first":       {"[2023-11-14] x\n[] y\n", `raw [2023-11-14] x|raw [] y`},
		"an event of a value": {`{"source":"s","value":[{"a":1}]}`, `{"source":"s","value":[{"a":1}]}`},
		"numbers in a value":  {`{"value":[1,2]}`, `{"value":[1,2]}`},
		"broken among JSON":   {"{\"a\":1}\n{\"a\":\n", `{"a":1}|{"a":`},
		"raw among JSON":      {"{\"a\":1}\nplain\n", `{"a":1}|raw plain`},
		"NaN":                 {`{"a":NaN}` + "\n" + `{"b":2}`, `{"a":NaN}|{"b":2}`},
		"our own with an id":  {`{"id":"1","type":"log","attributes":{"a":1},"message":"m"}`, `{"id":"1","type":"log","attributes":{"a":1},"message":"m"}`},
		"an event of items":   {`{"items":[{"a":1}]}`, `{"items":[{"a":1}]}`},
		"an event of events":  {`{"events":[{"a":1}],"data":[{"b":1}]}`, `{"events":[{"a":1}],"data":[{"b":1}]}`},
		"empty list":          {`{"Records":[]}`, ``},
		"nothing":             {" \n\n", ``},
	} {
		got, _, err := all(t, written(t, "x", []byte(c.content)), Options{})
		if err != nil || strings.Join(got, "|") != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, strings.Join(got, "|"), c.want)
		}
	}
}

// noise has no NUL, as what is compressed or encrypted may have none where one looks.
func noise(n int) []byte {
	out, from := make([]byte, n), rand.New(rand.NewPCG(1, 2))
	for i := range out {
		out[i] = byte(1 + from.IntN(255))
	}
	return out
}

// TestTextThatIsOddIsText is what logs hold beside UTF-8.
func TestTextThatIsOddIsText(t *testing.T) {
	for name, line := range map[string]string{
		"Latin-1": "caf\xe9 ouvert, \xe0 8h", "Shift JIS": "\x83\x8d\x83\x4f\x83\x43\x83\x93", "GBK": "\xb5\xc7\xc2\xbc\xca\xa7\xb0\xdc",
		"FIX": "8=FIX.4.4\x019=65\x0135=A\x0158=d\xe9j\xe0\x01", "ANSI colours": "\x1b[31merreur \xe9\x1b[0m", "control characters in UTF-8": "a\x02b\x03c\x04 é",
		"a stray NUL": strings.Repeat("é", 100) + "\x00",
	} {
		got, _, err := all(t, written(t, "log", []byte(strings.Repeat(line+"\n", 3))), Options{})
		if err != nil || len(got) != 3 {
			t.Errorf("%s: %d records, %v", name, len(got), err)
		}
	}
}

// TestWhatIsNoTextIsRefusedWithAReason wants each reason, and nothing read.
func TestWhatIsNoTextIsRefusedWithAReason(t *testing.T) {
	bomb := packed(t, make([]byte, 4<<20), gzipWriter)
	for range maxNested {
		bomb = packed(t, bomb, gzipWriter)
	}
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"a.evtx":   {[]byte("ElfFile\x00\x00\x00"), "a.evtx: no EVTX file"},
		"a2.evtx":  {append(append([]byte("ElfFile\x00"), make([]byte, 4096)...), "no chunk"...), "a2.evtx: the head of the file does not have its checksum"},
		"b":        {append([]byte("x\n"), make([]byte, 2000)...), "binary"},
		"b2":       {noise(100_000), "binary, or compressed"},
		"b3":       {append([]byte("head\n"), noise(300)...), "binary, or compressed"},
		"c":        {[]byte("a\x00b\x00c\x00d\x00\n\x00"), "UTF-16"},
		"d.gz":     {[]byte("\x1f\x8bbroken"), "gzip"},
		"e.gz":     {packed(t, []byte(strings.Repeat("some line\n", 99)), gzipWriter)[:30], "unexpected EOF"},
		"f.json":   {[]byte(`[{"a":1},`), "f.json:1: the JSON ends before"},
		"g.json":   {[]byte("[{\"a\":1},\n7]"), "g.json:2: want a JSON object in the array"},
		"h.json":   {[]byte("{\"a\":1\n}]"), "h.json:2: want a JSON object or an array"},
		"i.log":    {bytes.Repeat([]byte("x"), 1<<20), "i.log:1: the line is longer than 100000 bytes"},
		"j.json":   {[]byte("[\n{\"a\":\"" + strings.Repeat("x", 1<<20) + "\"}]"), "j.json:2: the object is larger than 100000 bytes"},
		"k.csv":    {[]byte("a,b\n1,2,3\n"), "k.csv:2: 3 values for 2 columns"},
		"l.csv":    {[]byte("a,,b\n"), "l.csv:1: column 2 has no name"},
		"m.csv":    {[]byte("a,b\n\"" + strings.Repeat("x,\n", 1<<20)), "longer than 100000 bytes"},
		"n.gz":     {bomb, "more than 4 times over"},
		"cut.zip":  {append([]byte("PK\x03\x04"), noise(500)...), "is the archive cut off?"},
		"trunc.xz": {[]byte("\xfd7zXZ\x00\x00\x04"), "xz"},
	} {
		got, _, err := all(t, written(t, name, c.content), Options{MaxRecord: 100_000})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d records, error %v; want one that says %q", name, len(got), err, c.says)
		}
	}
	if err := Each(t.TempDir(), Options{}, nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
}

// TestExpandNamesTheFilesOfFoldersAndPatterns is in the order of names.
func TestExpandNamesTheFilesOfFoldersAndPatterns(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b/2.log", "b/1.log", "a.log", "b/.hidden", "[x].log"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Expand([]string{filepath.Join(dir, "b"), filepath.Join(dir, "*.log"), "-", filepath.Join(dir, "[x].log")})
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], dir+"/")
	}
	if diff := cmp.Diff([]string{"b/1.log", "b/2.log", "[x].log", "a.log", "-", "[x].log"}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := Expand([]string{filepath.Join(dir, "*.none")}); err == nil {
		t.Error("a pattern that fits nothing is no error")
	}
}

// TestMemoryIsBoundedByARecord reads what unpacks to 256 MiB.
func TestMemoryIsBoundedByARecord(t *testing.T) {
	var b bytes.Buffer
	w, line := gzip.NewWriter(&b), []byte(three[0]+",\n")
	_, _ = w.Write([]byte(`{"Records":[`))
	for range 1 << 20 {
		_, _ = w.Write(line)
	}
	_, _ = w.Write([]byte(three[0] + "]}"))
	_ = w.Close()
	path := written(t, "big.gz", b.Bytes())
	n := 0
	allocated := testing.AllocsPerRun(1, func() {
		n = 0
		if err := Each(path, Options{}, func(Record) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
	})
	if n != 1<<20+1 || allocated > 5000 {
		t.Errorf("%d records with %v allocations", n, allocated)
	}
}

func FuzzEach(f *testing.F) {
	for _, text := range []string{
		"a\nb\n", "{\"a\":1}\n{\"b\":[1,{\"c\":\"}\"}]}", "[\n{}\n,{\"a\":\"\\\"\"}]", `{"Records":[{"a":1}],"x":{"y":[1]}}`, `{"hits":{"hits":[{"_index":"a","_source":{"b":1}}]}}`,
		"\xff\xfea\x00\n\x00", "\x1f\x8b\x08", "\xef\xbb\xbf{}", `{"@odata.x":"y","value":[{}]}`, "[{}]]", "PK\x03\x04", "BZh91AY", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd",
	} {
		f.Add([]byte(text), false)
		f.Add([]byte("a,b\n"+text), true)
	}
	f.Fuzz(func(t *testing.T, content []byte, table bool) {
		o := Options{Stdin: bytes.NewReader(content), MaxRecord: 1 << 16}
		path := "-"
		if table {
			path = written(t, "x.csv", content)
		}
		last := 0
		err := Each(path, o, func(r Record) error {
			if len(r.Text) == 0 || r.Place.Line < 1 || len(r.Text) > o.MaxRecord+lookAhead {
				t.Fatalf("a record of %d bytes at %s", len(r.Text), r.Place)
			}
			if r.JSON && r.Text[0] != '{' {
				t.Fatalf("%q is no object", r.Text)
			}
			last = r.Place.Line
			return nil
		})
		if err != nil && err.Error() == "" || last < 0 {
			t.Fatal("an error without words")
		}
	})
}
