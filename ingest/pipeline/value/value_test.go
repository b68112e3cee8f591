package value

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// What String makes is read back the same, by fastjson and by Go, for every byte.
func TestStringsComeBack(t *testing.T) {
	var texts []string
	for b := range 256 {
		texts = append(texts, "a"+string(rune(b))+"z", "a"+string([]byte{byte(b)})+"z")
	}
	texts = append(texts, "", `"\`, "\U000e0001", "\u00ad", "\u2028", "日本", "\xff\xfe")
	for _, s := range texts {
		checkString(t, s)
	}
}

func FuzzString(f *testing.F) {
	f.Add("a\x00\u0085\xff")
	f.Fuzz(checkString)
}

func checkString(t *testing.T, s string) {
	var arena fastjson.Arena
	want := strings.ToValidUTF8(s, "\uFFFD")
	v := String(&arena, s)
	if got := string(v.GetStringBytes()); got != want {
		t.Errorf("%q is %q", s, got)
	}
	text := String(&arena, s).String()
	if read := string(Append(nil, v)); read != schema.QuoteJSON(want) {
		t.Errorf("%q, once read, is written as %s", s, read)
	}
	again, err := fastjson.Parse(text)
	if err != nil || string(again.GetStringBytes()) != want {
		t.Errorf("%q is written as %s: %v", s, text, err)
	}
	var read string
	if err := json.Unmarshal([]byte(text), &read); err != nil || read != want {
		t.Errorf("%q is written as %s: Go reads %q: %v", s, text, read, err)
	}
}

func TestTexts(t *testing.T) {
	for in, want := range map[string]string{
		`"a"`: "a", `80.0`: "80", `8e1`: "80", `1.5`: "1.5", `true`: "true",
		`[1.0,"a",false]`: "1,a,false", `{}`: "-", `null`: "-", `[{}]`: "-", `[[1]]`: "-", `123456789012345678901`: "123456789012345678901",
	} {
		got, ok := Text(fastjson.MustParse(in))
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("text of %s: %q, want %q", in, got, want)
		}
	}
}

func TestSetAndMerge(t *testing.T) {
	var arena fastjson.Arena
	object := fastjson.MustParse(`{"a":1,"b":{"c":1}}`)
	Set(&arena, object, []string{"a", "x"}, Integer(&arena, 2))
	Set(&arena, object, []string{"b", "d"}, Double(&arena, 2.5))
	object = Merged(object, fastjson.MustParse(`{"b":{"c":{"e":1}},"f":[1]}`))
	if got := string(Append(nil, object)); got != `{"a":{"x":2},"b":{"c":{"e":1},"d":2.5},"f":[1]}` {
		t.Error(got)
	}
}

// Whichever of the two is larger, the result has the same members.
func TestMergedIsTheSameEitherWay(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":1,"o":{"x":1}}`, `{"a":2,"o":{"y":2},"b":3,"c":4}`, `{"a":2,"b":3,"c":4,"o":{"x":1,"y":2}}`},
		{`{"a":1,"o":{"x":1,"z":0},"d":5,"e":6}`, `{"a":2,"o":{"x":2}}`, `{"a":2,"d":5,"e":6,"o":{"x":2,"z":0}}`},
		{`{"o":{"x":1}}`, `{"o":1,"p":2}`, `{"o":1,"p":2}`},
		{`{"o":1,"p":{}}`, `{"o":{"x":1}}`, `{"o":{"x":1},"p":{}}`},
	} {
		got := Append(nil, Merged(fastjson.MustParse(c[0]), fastjson.MustParse(c[1])))
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal([]byte(c[2]), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s and %s: %s", c[0], c[1], got)
		}
	}
}
