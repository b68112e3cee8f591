package weburl

import (
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

func show(v *fastjson.Value) string {
	if v == nil {
		return "nil"
	}
	return string(value.Append(nil, v))
}

func TestDetails(t *testing.T) {
	for in, want := range map[string]string{
		"https://h:50/p":       `{"scheme":"https","host":"h","port":50,"path":"/p"}`,
		"http://h":             `{"scheme":"http","host":"h"}`,
		"/a/b?x=var1%20Pl&y=2": `{"path":"/a/b","queryString":{"x":"var1%20Pl","y":"2"}}`,
		"https://u:p@[2001:db8::1]:8443/a?x=1&x=2&x=3#top": `{"scheme":"https","host":"2001:db8::1","port":8443,"path":"/a","queryString":{"x":["1","2","3"]},"hash":"top"}`,
		"//h/p":          `{"host":"h","path":"/p"}`,
		"/a/":            `{"path":"/a/"}`,
		"*":              `{"path":"*"}`,
		"":               "nil",
		"a b":            "nil",
		"http://h:x/":    "nil",
		"http://h:70000": "nil",
		"mailto:a@b":     "nil",
		"http://[::1/":   "nil",
		"/a?flag&b=":     `{"path":"/a","queryString":{"flag":"","b":""}}`,
	} {
		var arena fastjson.Arena
		if got := show(Details(&arena, in, false)); got != want {
			t.Errorf("%s:\n%s, want\n%s", in, got, want)
		}
	}
	var arena fastjson.Arena
	for in, want := range map[string]string{"/a//": `{"path":"/a"}`, "/": `{"path":"/"}`, "//": `{}`} {
		if got := show(Details(&arena, in, true)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestQuery(t *testing.T) {
	for in, want := range map[string]string{
		"?a=1&b=x%20y+z&a=2&c=&d": `{"a":["1","2"],"b":"x y z"}`,
		"a=%zz":                   `{"a":"%zz"}`,
		"":                        "nil",
		"=1":                      "nil",
	} {
		var arena fastjson.Arena
		if got := show(Query(&arena, in)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{"a%20b+c": "a b+c", "%zz%41": "%zzA", "%": "%", "100%": "100%"} {
		if got := Unescape(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzDetails(f *testing.F) {
	f.Add("https://u@h:1/p?a=b&c#d")
	f.Fuzz(func(t *testing.T, s string) {
		var arena fastjson.Arena
		for _, v := range []*fastjson.Value{Details(&arena, s, true), Query(&arena, s)} {
			if v == nil {
				continue
			}
			if err := fastjson.ValidateBytes(value.Append(nil, v)); err != nil {
				t.Errorf("%q: %v", s, err)
			}
		}
	})
}
