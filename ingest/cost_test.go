package ingest

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/schema"
	"nightjar/wal"
)

// shapes are events that put all their bytes, n of them, into one thing.
var shapes = map[string]func(n int) string{
	"tags":             func(n int) string { return `{"ddtags":"` + repeated(n, "t%d,", 8) + `"}` },
	"an array of tags": func(n int) string { return `{"tags":[` + repeated(n, `"t%d",`, 11) + `"x"]}` },
	"keys":             func(n int) string { return `{` + repeated(n, `"k%d":1,`, 12) + `"z":1}` },
	"one key":          func(n int) string { return `{` + repeated(n, `"k":%d,`, 12) + `"z":1}` },
	"numbers":          func(n int) string { return `{"a":[` + repeated(n, "%d,", 7) + `1]}` },
	"texts":            func(n int) string { return `{"a":[` + repeated(n, `"%d",`, 9) + `1]}` },
	"objects":          func(n int) string { return `{"a":[` + repeated(n, `{"b":%d},`, 13) + `1]}` },
	"mixed kinds":      func(n int) string { return `{"a":[` + repeated(n, `%d,"x",true,`, 18) + `1]}` },
	"deep objects":     func(n int) string { return strings.Repeat(`{"d":`, n/6) + "1" + strings.Repeat("}", n/6) },
	"deep arrays":      func(n int) string { return `{"a":` + strings.Repeat(`[`, n/2) + strings.Repeat("]", n/2) + `}` },
	"deep, many": func(n int) string {
		return `{"a":[` + strings.Repeat(strings.Repeat("[", 140)+strings.Repeat("]", 140)+",", n/281) + `1]}`
	},
	"a long path": func(n int) string {
		return `{"` + strings.Repeat("p", 500) + `":{` + repeated(n-500, `"k%d":1,`, 12) + `"z":1}}`
	},
	"long paths": func(n int) string {
		return `{"` + strings.Repeat("p", 400) + `":[` + repeated(n-400, `{"k%d":1},`, 14) + `1]}`
	},
	"a long key":    func(n int) string { return `{"` + strings.Repeat("k", n) + `":{"a":1}}` },
	"a text":        func(n int) string { return `{"message":"` + strings.Repeat("x", n) + `"}` },
	"escapes":       func(n int) string { return `{"message":"` + strings.Repeat(`\\\"\u0000`, n/10) + `"}` },
	"invalid UTF-8": func(n int) string { return `{"message":"` + strings.Repeat("\xff ", n/2) + `"}` },
	"infinities":    func(n int) string { return `{"a":[` + strings.Repeat("Infinity,", n/9) + `1]}` },
	"minus signs":   func(n int) string { return `{"a":[Infinity,"` + strings.Repeat("-I", n/2) + `"]}` },
	"JSON in a message": func(n int) string {
		return `{"message":` + string(quoted(`{`+repeated(n*3/4, `"k%d":1,`, 12)+`"z":1}`)) + `}`
	},
	"braces": func(n int) string { return `{"message":"{` + strings.Repeat("}{", n/2) + `}"}` },
	"a line of sshd": func(n int) string {
		return `{"ddsource":"sshd","message":"Invalid user ` + strings.Repeat(" from 1.2.3.4", n/13) + `"}`
	},
	"a head": func(n int) string {
		return `{"ddsource":"sshd","message":"` + strings.Repeat("Nov 14 22:13:20 ", n/16) + `"}`
	},
	"times":          func(n int) string { return `{"timestamp":"` + strings.Repeat("2023-11-14 ", n/11) + `"}` },
	"a long number":  func(n int) string { return `{"a":` + strings.Repeat("7", n) + `}` },
	"addresses":      func(n int) string { return `{"network":{"client":{"ip":[` + repeated(n, `"10.%d",`, 12) + `"x"]}}}` },
	"clients":        func(n int) string { return `{"network":{"client":[` + repeated(n, `{"ip":"::%d"},`, 20) + `1]}}` },
	"own attributes": func(n int) string { return `{"timestamp":"x","nightjar":{` + repeated(n, `"k%d":1,`, 12) + `"z":1}}` },
}

// repeated is a form, filled with 0, 1, 2, …, up to about n bytes.
func repeated(n int, form string, size int) string {
	var b strings.Builder
	b.Grow(n + size)
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

// nowhereAt has no place for any address.
type nowhereAt struct{ asked int }

func (n *nowhereAt) Locate(netip.Addr) (*fastjson.Value, error) { n.asked++; return nil, nil }

// wholeWay is what the intake does for an event: it is read, settled, written for
// the log, read back, and made what is stored.
func wholeWay(t testing.TB, body []byte) (out int) {
	t.Helper()
	d := &Decoder{Now: testNow, Locator: &nowhereAt{}}
	events, err := d.JSON(body)
	if err != nil {
		t.Fatal(err)
	}
	buf := encodeBatch(Batch{Events: events}, schema.MillisOf(testNow))
	defer buf.free()
	back, err := decodeBatch(wal.Record{First: 1, Count: uint32(len(events)), Payload: buf.b})
	if err != nil {
		t.Fatal(err)
	}
	for i := range back {
		out += len(back[i].Projection()) + len(back[i].Message)
		back[i].Shapes(func(string, schema.Shapes) { out++ })
	}
	return out
}

func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestAnEventCostsNoMoreThanItsSize has events of every shape up to the largest,
// and beyond. A cost that grew with the square would take minutes for each.
func TestAnEventCostsNoMoreThanItsSize(t *testing.T) {
	if len(shapes) < 25 {
		t.Fatal("shapes went missing")
	}
	for name, shape := range shapes {
		for _, n := range []int{MaxEventBytes - 2000, 4 * MaxEventBytes} {
			body := []byte(shape(n))
			if out := wholeWay(t, body); out > 12*MaxEventBytes {
				t.Errorf("%s, %d bytes: %d bytes are stored", name, len(body), out)
			}
		}
	}
}

// TestAddressesThatAreLookedUpAreBounded counts what is asked.
func TestAddressesThatAreLookedUpAreBounded(t *testing.T) {
	l := &nowhereAt{}
	d := &Decoder{Now: testNow, Locator: l}
	decoded(t, d, `{"network":{"client":{"ip":[`+repeated(10_000, `"::%d",`, 9)+`"x"]}}}`)
	if l.asked != maxAddresses || d.Located.Limited != 1 {
		t.Errorf("%d addresses were looked up, %+v", l.asked, d.Located)
	}
}

// BenchmarkShapes says what a byte of each shape costs, small and large: the same.
func BenchmarkShapes(b *testing.B) {
	for name, shape := range shapes {
		for _, n := range []int{16 << 10, 128 << 10, 1<<20 - 2000} {
			body := []byte(shape(n))
			b.Run(fmt.Sprintf("%s/%dk", strings.ReplaceAll(name, " ", "-"), n>>10), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					wholeWay(b, body)
				}
			})
		}
	}
}

// FuzzCost puts pieces together and repeats them, and wants a megabyte of it read
// within a second of CPU a time, and stored in not much more.
func FuzzCost(f *testing.F) {
	for _, s := range []string{`"k":1,`, `[`, `{"a":`, `"x",`, `Infinity,`, `" from 1.2.3.4",`, `{"ip":"::1"},`, `\"`, `"2023-11-14 ",`, `{},`} {
		f.Add(s, `{"ddsource":"sshd","message":[`, `]}`)
		f.Add(s, `{"network":{"client":{"ip":`, `}}}`)
		f.Add(s, `{"ddtags":"`, `"}`)
	}
	f.Fuzz(func(t *testing.T, piece, before, after string) {
		if len(piece) == 0 || len(piece)+len(before)+len(after) > 4096 {
			return
		}
		text := before + strings.Repeat(piece, (1<<20)/len(piece)) + after
		begun := cpu()
		for _, body := range []string{text, `{"message":` + string(quoted(text)) + `,"ddsource":"sshd"}`} {
			d := &Decoder{Now: testNow, Locator: &nowhereAt{}}
			events, err := d.JSON([]byte(body))
			if err != nil {
				continue
			}
			size := 0
			for _, e := range events {
				size += len(e.Projection())
			}
			if size > 12*(len(body)+1<<20) {
				t.Fatalf("%q, %q, %q: %d bytes are stored of %d", before, piece, after, size, len(body))
			}
		}
		if took := cpu() - begun; took > 20*time.Second {
			t.Fatalf("%q, %q, %q: %s of CPU", before, piece, after, took)
		}
	})
}
