package schema

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestStrangeObjectsHaveOneMeaning(t *testing.T) {
	for _, c := range []struct{ in, json, leaves string }{
		{`{"a":1,"a":2}`, `{"a":2}`, "a=2"},
		{"{\"\xff\":1,\"\xfe\":2}", "{\"\uFFFD\":2}", "\uFFFD=2"},
		{`{"":1}`, `{"":1}`, "=1"},
		{`{"":{"a":1},"a":2}`, `{"":{"a":1},"a":2}`, ".a=1 a=2"},
		{`{"a":{"":1}}`, `{"a":{"":1}}`, "a.=1"},
		{`{"a.b":1,"a":{"b":2}}`, `{"a.b":1,"a":{"b":2}}`, "a.b=1 a.b=2"},
		{`{"a":[{"b":1},{"b":"x"},[2,null]]}`, `{"a":[{"b":1},{"b":"x"},[2,null]]}`, "a=2 a.b=1 a.b=x"},
		{`{"a":NaN,"b":1e400}`, `{"a":"NaN","b":"1e400"}`, "a=NaN b=1e400"},
	} {
		a, err := ParseAttributes(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		var leaves []string
		for _, l := range a.Leaves {
			leaves = append(leaves, l.Path+"="+l.Text())
		}
		if got := strings.Join(leaves, " "); a.JSON != c.json || got != c.leaves {
			t.Errorf("%q: %s, leaves %s\nwant %s, leaves %s", c.in, a.JSON, got, c.json, c.leaves)
		}
		again, err := ParseAttributes(a.JSON)
		if err != nil || again.JSON != a.JSON || fmt.Sprint(again.Leaves) != fmt.Sprint(a.Leaves) {
			t.Errorf("%q: what is stored reads back as %s, %v", c.in, again.JSON, err)
		}
	}
}

// TestManyKeysAndLongKeysAreLittleWork would take minutes, or gigabytes, if
// the one were compared with all others, or the other repeated for each leaf.
func TestManyKeysAndLongKeysAreLittleWork(t *testing.T) {
	const keys = 60_000
	var many, long strings.Builder
	long.WriteString(`{"` + strings.Repeat("k", 400_000) + `":{`)
	many.WriteString(`{`)
	for i := range keys {
		fmt.Fprintf(&many, `"k%d":1,`, i)
		fmt.Fprintf(&long, `"k%d":1,`, i)
	}
	many.WriteString(`"k0":2}`)
	long.WriteString(`"last":1}}`)
	before := allocated()
	a, err := ParseAttributes(many.String())
	if err != nil || len(a.Leaves) != keys || a.Lookup("k0")[0].Int != 2 {
		t.Errorf("%d leaves, %v", len(a.Leaves), err)
	}
	a, err = ParseAttributes(long.String())
	if err != nil || len(a.Leaves) != 1 || a.Leaves[0].Kind != KindString {
		t.Errorf("%d leaves, %v", len(a.Leaves), err)
	}
	if used, most := allocated()-before, uint64(100*(many.Len()+long.Len())); used > most {
		t.Errorf("reading took %d bytes of memory, want at most %d", used, most)
	}
	// Comparing takes no memory: it is counted.
	pairs := make([]Pair, keys)
	for i := range pairs {
		pairs[i].Key = fmt.Sprint(i)
	}
	if at := lastOf(pairs); len(at) != keys {
		t.Errorf("of %d keys %d are looked up, the others are compared with all others", keys, len(at))
	}
}

// allocated is how many bytes of memory were taken so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
