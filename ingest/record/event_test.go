package record

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// FuzzEventHasWhatAQueryAsksFor compares the leaves at and below paths with those of the
// whole record, and wants no others of any size.
func FuzzEventHasWhatAQueryAsksFor(f *testing.F) {
	for _, doc := range []string{
		`{"a":{"b":[{"c":1},{"c":{"d":2}},[{"c":3}],4],"e":5},"a.b":{"c":6},"f":7}`,
		`{"a":[[{"b.c":1,"b":{"c":2}}]],"a":3}`,
		`{"authorization":{"k8s.io/decision":"allow"},"x":{}}`,
	} {
		f.Add(doc, "a.b.c", "f")
		f.Add(doc, "a", "authorization.k8s")
		f.Add(doc, "a.e", "authorization.k8s.io/decision")
	}
	f.Fuzz(func(t *testing.T, doc, one, other string) {
		v, err := fastjson.Parse(doc)
		if err != nil || v.Type() != fastjson.TypeObject || !plain(doc) {
			return
		}
		r := &Record{Arena: &fastjson.Arena{}, Received: time.UnixMilli(0)}
		r.Reset(schema.Pairs(v.GetObject()))
		paths := []string{one, other}
		asked := func(l schema.Leaf) bool {
			return slices.ContainsFunc(paths, func(p string) bool { return l.Path == p || strings.HasPrefix(l.Path, p+".") })
		}
		var want []schema.Leaf
		for _, l := range r.Event(nil, true).Leaves {
			if asked(l) {
				want = append(want, l)
			}
		}
		var got []schema.Leaf
		for _, l := range r.Event(paths, false).Leaves {
			if asked(l) {
				got = append(got, l)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s at %q:\n got  %v\n want %v", doc, paths, got, want)
		}
	})
}

// plain leaves out what the whole record changes or keeps as text: keys that are no
// UTF-8, empty ones, and what is too deep.
func plain(doc string) bool {
	return len(doc) < 400 && strings.Count(doc, "[")+strings.Count(doc, "{") < 100 && !strings.Contains(doc, `""`) && strings.ToValidUTF8(doc, "") == doc && !strings.Contains(doc, `\`)
}
