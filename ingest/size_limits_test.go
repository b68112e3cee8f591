package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"nightjar/schema"
)

// TestALargeEventIsStoredWithWhatMattersAndTheOthersWhole sends one of each kind
// among good ones.
func TestALargeEventIsStoredWithWhatMattersAndTheOthersWhole(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	handler := NewHandler(h.Intake)
	long := strings.Repeat("päd ", 1<<19)
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
		}
		return b.String()
	}
	deep := `"d":` + strings.Repeat(`{"d":`, 400) + `"deep"` + strings.Repeat("}", 400)
	for _, c := range []struct {
		name, body, says string
		check            func(e schema.Event) bool
	}{
		{"a long message", `"message":"` + long + `","ddsource":"s","usr":{"id":"u"}`, "1 texts were shortened",
			func(e schema.Event) bool {
				return strings.HasPrefix(e.Message, "päd päd") && strings.HasSuffix(e.Message, "…") && len(e.Message) > 400_000
			}},
		{"a long attribute, the rest behind it", `"usr":{"id":"u"},"blob":"` + long + `","message":"m","ddsource":"s"`, "1 texts were shortened",
			func(e schema.Event) bool { return e.Message == "m" && strings.HasSuffix(value(&e, "blob"), "…") }},
		{"two long ones", `"usr":{"id":"u"},"a":"` + long + `","b":["` + long + `"],"message":"m","ddsource":"s"`, "2 texts were shortened",
			func(e schema.Event) bool { return len(value(&e, "a")) > 200_000 && len(value(&e, "b")) > 200_000 }},
		{"escapes all over", `"usr":{"id":"u"},"a":"` + strings.Repeat(`\\\u00e4\"`, 300_000) + `","message":"m","ddsource":"s"`, "1 texts were shortened",
			func(e schema.Event) bool { return strings.HasPrefix(value(&e, "a"), `\ä"\ä"`) }},
		{"100,000 keys, the reserved ones last", `"usr":{"id":"u"},` + many(100_000) + `"message":"m","ddsource":"s"`, "values were left out",
			func(e schema.Event) bool {
				return e.Message == "m" && value(&e, "k60000") == "60000" && !e.Has("k99999")
			}},
		{"2 MB of short values", `"usr":{"id":"u"},"list":["` + strings.Repeat(`abcdefghijklmnopqrstuvwxyz0123456789","`, 55_000) + `"],"message":"m","ddsource":"s"`, "values were left out",
			func(e schema.Event) bool { return e.Message == "m" && len(e.Lookup("list")) > 10_000 }},
		{"depth 400", `"usr":{"id":"u"},"message":"m","ddsource":"s",` + deep, "below depth 128 were kept as text",
			func(e schema.Event) bool {
				return strings.Contains(value(&e, strings.Repeat("d.", 127)+"d"), `{"d":{"d":"deep"}}`)
			}},
		{"depth 400 within a message", `"message":` + string(quoted(`{"usr":{"id":"u"},"ddsource":"s",`+deep+`}`)), "below depth 128 were kept as text",
			func(e schema.Event) bool { return strings.HasPrefix(e.Message, `{"usr"`) }},
		{"a number of 2 MB", `"usr":{"id":"u"},"n":` + strings.Repeat("7", 2<<20) + `,"message":"m","ddsource":"s"`, "texts were shortened",
			func(e schema.Event) bool { return strings.HasPrefix(value(&e, "n"), "777") }},
		{"a key of 2 MB", `"usr":{"id":"u"},"` + strings.Repeat("k", 2<<20) + `":1,"message":"m","ddsource":"s"`, "texts were shortened",
			func(e schema.Event) bool { return e.Message == "m" }},
	} {
		before, cuts := len(w.events), valueOf(t, h.metrics.cut)
		got := post(handler, "", `[{"message":"good 1"},{`+c.body+`},{"message":"good 2"}]`)
		h.await()
		events := w.events[before:]
		var answer struct{ Warnings []string }
		if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || got.Code != 202 || len(answer.Warnings) != 1 || !strings.HasPrefix(answer.Warnings[0], "event 1: ") || !strings.Contains(answer.Warnings[0], c.says) {
			t.Errorf("%s: %d %.300s", c.name, got.Code, got.Body)
		}
		if len(events) != 3 || events[0].Message != "good 1" || events[2].Message != "good 2" || events[0].JSON != "{}" {
			t.Fatalf("%s: %d events", c.name, len(events))
		}
		e := events[1]
		if e.Source != "s" || value(&e, "usr.id") != "u" || !e.Has("nightjar.cut.bytes") || !c.check(e) || len(e.JSON)+len(e.Message) > 2*MaxEventBytes {
			t.Errorf("%s: %d and %d bytes: source %s, %.300s…%s", c.name, len(e.Message), len(e.JSON), e.Source, e.JSON, e.JSON[max(0, len(e.JSON)-300):])
		}
		if valueOf(t, h.metrics.cut) != cuts+1 {
			t.Errorf("%s is not counted", c.name)
		}
	}
	got := post(handler, "", "short\n"+strings.Repeat("x", 2_000_000), "Content-Type", "text/plain")
	h.await()
	if last := w.events[len(w.events)-1]; got.Code != 202 || !strings.Contains(got.Body.String(), "event 1: its 2000000 bytes") || len(last.Message) > MaxEventBytes || value(&last, "nightjar.cut.bytes") != "2000000" {
		t.Errorf("a line of 2 MB: %d %s", got.Code, got.Body)
	}
	got = post(handler, "", strings.Repeat(`{"a":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+"}", 50))
	var answer struct{ Warnings []string }
	if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || len(answer.Warnings) != maxWarnings+1 || !strings.HasPrefix(answer.Warnings[maxWarnings], "30 more") {
		t.Errorf("50 deep ones: %s", got.Body)
	}
}

// TestAShortenedTextEndsBetweenCharacters cuts a text at every byte.
func TestAShortenedTextEndsBetweenCharacters(t *testing.T) {
	const text = `a\\b\u00e4\"ü€\ud83d\ude00\\\\n\n`
	for n := range len(text) + 1 {
		got := string(whole([]byte(text[:n])))
		var read string
		if err := json.Unmarshal([]byte(`"`+got+`"`), &read); err != nil || !strings.HasPrefix(text, got) || n-len(got) > 5 {
			t.Errorf("%q becomes %q: %v", text[:n], got, err)
		}
	}
}

func quoted(s string) []byte {
	b, _ := json.Marshal(s) // a string: cannot fail
	return b
}

// FuzzCut makes events large and deep, and wants what comes out within bounds,
// whole JSON wherever the input was, and its reserved fields.
func FuzzCut(f *testing.F) {
	f.Add([]byte(`{"a":"x\"\\ü","b":[1,{"c":null}],"message":"m"}`), uint16(300), uint16(200), uint16(10))
	f.Add([]byte(`{"message":"\ud83d\ude00","k":[[]]}`), uint16(5000), uint16(0), uint16(0))
	f.Add([]byte(`{"a" 1}`), uint16(0), uint16(300), uint16(1000))
	f.Fuzz(func(t *testing.T, inner []byte, texts, depth, values uint16) {
		depth, texts, values = depth%1000, texts%2000, values%5000
		big := `{"a":` + strings.Repeat(`{"d":[`, int(depth)) + string(inner) + strings.Repeat(`]}`, int(depth)) +
			`,"t":["` + strings.Repeat(`\\ü`, int(texts)*100) + `"],"v":[` + strings.Repeat("7,", 20*int(values)) + `0],"message":"m"}`
		d := Decoder{Now: testNow}
		events, err := d.JSON([]byte(big))
		whole := json.Valid([]byte(big))
		if !whole {
			return
		}
		if err != nil || len(events) != 1 {
			t.Fatalf("%q: %v", inner, err)
		}
		e := events[0]
		if e.Message != "m" || len(e.JSON) > MaxEventBytes+MaxEventBytes/4 || len(e.Leaves) > MaxEventValues {
			t.Fatalf("%q: message %q, %d bytes, %d leaves", inner, e.Message, len(e.JSON), len(e.Leaves))
		}
		if a, err := schema.ParseAttributes(e.JSON); err != nil || a.JSON != e.JSON || len(a.Leaves) != len(e.Leaves) {
			t.Fatalf("%q: attributes do not read back: %v", inner, err)
		}
	})
}
