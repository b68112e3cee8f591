package grok

import (
	"testing"

	"github.com/valyala/fastjson"
)

func TestCEFAndLEEF(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`CEF:0|Acme|Wall \| Gate|1.0|100|a \\ name|7|src=192.0.2.1 msg=two words and \= sign cs1Label=Policy name cs1=web rule request=https://x.test/?a=b&c=d`,
			`{"version":"0","device_vendor":"Acme","device_product":"Wall | Gate","device_version":"1.0","event_class_id":"100","name":"a \\ name","severity":"7","extensions":{"src":"192.0.2.1","msg":"two words and = sign","cs1Label":"Policy name","cs1":"web rule","request":"https://x.test/?a=b&c=d"},"labels":{"Policy_name":"web rule"}}`},
		{`CEF: 1|a|b|c|d|e|Low|msg=line\nnext dvc= act=drop`, `{"version":"1","device_vendor":"a","device_product":"b","device_version":"c","event_class_id":"d","name":"e","severity":"Low","extensions":{"msg":"line\u000anext","act":"drop"}}`},
		{`CEF:0|a|b|c|d|e|5`, `{"version":"0","device_vendor":"a","device_product":"b","device_version":"c","event_class_id":"d","name":"e","severity":"5"}`},
		{"LEEF:1.0|Acme|Gate|1|login|src=192.0.2.1\tusrName=a b\tmsg=x=y", `{"version":"1.0","device_vendor":"Acme","device_product":"Gate","device_version":"1","event_id":"login","attributes":{"src":"192.0.2.1","usrName":"a b","msg":"x=y"}}`},
		{"LEEF:2.0|Acme|Gate|1|login|^|src=192.0.2.1^usrName=a b", `{"version":"2.0","device_vendor":"Acme","device_product":"Gate","device_version":"1","event_id":"login","attributes":{"src":"192.0.2.1","usrName":"a b"}}`},
		{"LEEF:2.0|Acme|Gate|1|login|0x7C|src=192.0.2.1|sev=5", `{"version":"2.0","device_vendor":"Acme","device_product":"Gate","device_version":"1","event_id":"login","attributes":{"src":"192.0.2.1","sev":"5"}}`},
		{"LEEF:1.0|Acme|Gate|1|login|src=192.0.2.1 usrName=a b", `{"version":"1.0","device_vendor":"Acme","device_product":"Gate","device_version":"1","event_id":"login","attributes":{"src":"192.0.2.1","usrName":"a b"}}`},
		{`CEF:0|too|few`, ""}, {`LEEF:1.0|a`, ""}, {`other`, ""},
	} {
		var a fastjson.Arena
		got := ""
		v := parseCEF(&Context{Arena: &a}, c.line)
		if v == nil {
			v = parseLEEF(&Context{Arena: &a}, c.line)
		}
		if v != nil {
			got = string(v.MarshalTo(nil))
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.line, got, c.want)
		}
	}
}

func FuzzCEF(f *testing.F) {
	f.Add(`CEF:0|a|b\||c|d|e|5|src=192.0.2.1 msg=a \= b cs1Label=x cs1=y`)
	f.Add("LEEF:2.0|a|b|c|d|x5E|src=1^b=2")
	f.Fuzz(func(t *testing.T, s string) {
		var a fastjson.Arena
		for _, v := range []*fastjson.Value{parseCEF(&Context{Arena: &a}, s), parseLEEF(&Context{Arena: &a}, s)} {
			if v == nil {
				continue
			}
			if _, err := fastjson.ParseBytes(v.MarshalTo(nil)); err != nil {
				t.Fatalf("%q: %s: %v", s, v.MarshalTo(nil), err)
			}
		}
	})
}
