package ingest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// parserSeeds are objects of every kind that the way without a tree reads or leaves.
var parserSeeds = []string{
	`{"a":1}`, `{}`, ` { "a" : [ 1 , {"b":"c"} , [] , {} ] } `, `{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `{"a.b":1,"a":{"b":2}}`,
	`{"message":"m","ddsource":"s","source":"t","service":"v","host":"h","hostname":"h","status":"error","timestamp":1700000000000,"date":"2023-11-14"}`,
	`{"msg":"m","level":30,"time":1700000000000,"hostname":"h","pid":1,"v":0}`, `{"level":4,"EventID":4624,"Channel":"Security"}`, `{"level":4,"attributes":{"EventID":1}}`,
	`{"@timestamp":"2023-11-14T22:13:20Z","host":{"name":"h","os":{"k":1}},"log":{"level":"warn","offset":3},"service":{"name":"s"},"syslog":{"severity":3,"hostname":"x","appname":"y"},"dd":{"service":"z"}}`,
	`{"host.name":"a","host":{"name":"b"}}`, `{"host":{"name":"b"},"host.name":"a"}`, `{"host":{"name":{"x":1}},"Computer":"c"}`, `{"host":[{"name":"b"}]}`, `{"host":{"name":"b"},"host":"c"}`,
	`{"attributes":{"a":1,"message":"x","Event":1},"b":2}`, `{"attributes":{"a":1},"a":2}`, `{"attributes":[1]}`, `{"attributes":{},"attributes":{"q":1},"x":1}`, `{"attributes":{"host":{"name":"n"},"status":"x"},"status":"y"}`,
	`{"ddtags":"a:b, c","tags":["d","e:f",""],"x":1}`, `{"tags":{"a":1}}`, `{"tags":null}`, `{"tags":["a", ]}`, `{"tags":[1]}`, `{"tags":[ ]}`, `{"tags":"a","tags":"b"}`,
	`{"message":"{\"a\":1}"}`, `{"message":{"a":1}}`, `{"message":["a"]}`, `{"message":3}`, `{"message":null,"msg":"x"}`, `{"message":"","status":""}`, `{"status":"failed"}`, `{"status":2,"severity":"WARN"}`,
	`{"timestamp":"nonsense"}`, `{"timestamp":"nonsense","ts":1700000000}`, `{"timestamp":true}`, `{"time":{"$date":1700000000000}}`, `{"timestamp":[1]}`, `{"date":1e400}`, `{"timestamp":"17"}`,
	`{"n":[0,-0,1.0,1e2,52.52,13.405,-0.5,0.000001,0.0000001,007,1.50,9007199254740993,18446744073709551615,18446744073709551616,1e400,-1e-400,123456789.123456789,5.,--5,1-2,999999999999999999,0.1234567890123456]}`,
	`{"usr":{"id":5,"name":true},"network":{"client":{"ip":7,"port":1}}}`, `{"usr.id":5.5,"usr":{"id":[1,"2",3.10]}}`,
	`{"s":"\u00e9\ud83d\ude00\/\"\\\b\f\n\r\t","t":"\ud83d","u":"\x","v":"é"}`, "{\"s\":\"a\xffb\"}", "{\"k\xff\":1}", "{\"s\":\"a\x01b\"}", `{"k\u0041":1,"kA":2}`, `{"a":"\u00"}`, `{"a":"\`,
	`{"a":nan}`, `{"a":Infinity}`, `{"a":-inf}`, `{"a":tru}`, `{"a":1,}`, `{"a":1 "b":2}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":-}`, `{"a":"x`, `{"a":{"b":1}`, `[{"a":1},{"b":2}]`, `{"a":1}{"b":2}`,
	`{"":1,"b":{"":2,"c":{"":3}}}`, `{"Event":{"System":{"Channel":"Security","Computer":"c","Level":4,"TimeCreated":"2023-11-14T00:00:00Z"}}}`, `{"Event":"x","Channel":"y"}`, `{"ddsource":"sshd","message":"Failed password for root from 192.0.2.1 port 5 ssh2"}`,
	`{"a":1,"nightjar":{"pipelines":["x@1"],"b":2}}`, `{"attributes":{"nightjar":{"pipelines":["x@1"]}}}`, `{"ddsource":"s","who":"x","nightjar":{"pipelines":[1]}}`,
	`{"":{"Channel":"x"},"":{"host":"y"}}`, `{"":{"Channel":""}}`,
	`{"ts":1700000000.5,"uid":"C1","id.orig_h":"192.0.2.1","service":"http","proto":"tcp"}`, `{"timestamp":"2023-11-14T22:13:20Z","event_type":"alert","src_ip":"192.0.2.1","alert":{"signature":"x"}}`,
	`{"attributes":{"ts":1,"_path":"conn"},"ts":2}`, `{"ddsource":"zeek","ts":1,"_path":"conn"}`, `{"ddsource":"x","ts":1,"_path":"conn","uid":"u"}`,
	`{"z":1,"y":{"x":[1,"2",3]},"a":[[1],[{"b":[true,null]}]]}`,
}

// TestParsersAgree and FuzzParsersAgree: what is read without a tree means what it
// means with one, refusals and counters included.
func TestParsersAgree(t *testing.T) {
	for range 2 { // names are remembered from the first time
		for _, s := range parserSeeds {
			compareParsers(t, []byte(s))
		}
	}
}

func FuzzParsersAgree(f *testing.F) {
	for _, s := range parserSeeds {
		f.Add([]byte(s))
	}
	f.Add(benchBody(2))
	f.Fuzz(func(t *testing.T, body []byte) { compareParsers(t, body) })
}

func compareParsers(t *testing.T, body []byte) {
	t.Helper()
	for i := range 4 {
		one := Decoder{Now: testNow, Offline: i%2 == 1, Tags: []string{"env:x"}}
		if i >= 2 {
			one.Pipelines = stamps{"s"}
		}
		tree := one
		tree.onlyTrees = true
		got, gotErr := one.JSON(body)
		want, wantErr := tree.JSON(body)
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			t.Fatalf("%q: %v, with a tree %v", body, gotErr, wantErr)
		}
		if gotErr != nil {
			continue
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q (-tree +read):\n%s", body, diff)
		}
		type counters struct{ odd, bad, untimed, cut, values, warnings any }
		of := func(d *Decoder) string {
			return fmt.Sprint(counters{d.Odd, d.BadTimes, d.Untimed, d.Cut, d.values, d.Warnings})
		}
		if of(&one) != of(&tree) {
			t.Fatalf("%q: counted %s, with a tree %s", body, of(&one), of(&tree))
		}
	}
}
