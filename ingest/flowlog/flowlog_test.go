package flowlog

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestFieldsMayComeInAnyOrder reads a line by the order that a first line names.
func TestFieldsMayComeInAnyOrder(t *testing.T) {
	fields := Head("start vpc-id dstaddr srcaddr action bytes instance-id")
	line := "1767605400 vpc-0example 10.0.0.9 203.0.113.7 ACCEPT 4000 -"
	object, ok := fields.Append(nil, line)
	want := `{"message":"1767605400 vpc-0example 10.0.0.9 203.0.113.7 ACCEPT 4000 -","start":1767605400,"vpc-id":"vpc-0example","dstaddr":"10.0.0.9","srcaddr":"203.0.113.7","action":"ACCEPT","bytes":4000}`
	if !ok || string(object) != want {
		t.Errorf("got  %s %v\nwant %s", object, ok, want)
	}
	if _, ok := fields.Append(nil, line+" more"); ok {
		t.Error("a line with a value too many is read")
	}
}

func TestOnlyNamesOfFieldsAreAFirstLine(t *testing.T) {
	for line, want := range map[string]bool{
		"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status": true,
		"2 111122223333 eni-0 203.0.113.7 10.0.0.9 1 2 6 1 40 1767605400 1767605460 ACCEPT OK":                               false,
		"the action and its log-status are Wrong":                                                                            false,
		"srcaddr": false,
		"":        false,
		"{\"srcaddr\":\"1\", \"dstaddr\": \"2\"}": false,
	} {
		if got := Head(line) != nil; got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("srcaddr dstaddr bytes", "203.0.113.7 10.0.0.9 12")
	f.Add("srcaddr dstaddr bytes", "\"\x00 \xff - 007")
	f.Fuzz(func(t *testing.T, head, line string) {
		fields := Head(head)
		object, ok := fields.Append(nil, line)
		if ok != (len(fields) > 0 && len(fields) == len(strings.Fields(line))) {
			t.Errorf("%d fields, %q: %v", len(fields), line, ok)
		}
		if ok && !json.Valid(object) {
			t.Errorf("no JSON: %s", object)
		}
	})
}
