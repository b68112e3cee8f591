package schema

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzReadersOfAttributesAgree: what is read in one pass is what a tree gives.
func FuzzReadersOfAttributesAgree(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1,"b":{"c":[1,2.5,"x",null,true,{"d":"\u0022\n"}]}}`, `{"b":1,"a":2,"a.b":[[],{}]}`, `{"usr":{"id":1}}`, `{"a":{"a":1,"a":2}}`, ` {"a":1} `, `{"a":1}x`, `{"a":1e3,"b":-0,"c":0.50}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := readAttributes(text)
		if !ok {
			return
		}
		want, err := parseTree(text)
		if err != nil {
			t.Fatalf("%q is read, and a tree refuses it: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q (-tree +read):\n%s", text, diff)
		}
	})
}
