package w3c

import (
	"encoding/json"
	"testing"
)

func TestLinesHaveTheFieldsThatTheDirectiveNames(t *testing.T) {
	fields, is := IsDirective("#Fields: date time c-ip cs-method cs(User-Agent) sc-status")
	if !is || len(fields) != 6 {
		t.Fatal(fields, is)
	}
	for _, c := range []struct{ line, want string }{
		{"2026-03-01 10:00:00 192.0.2.7 GET Agent/1.0+(x) 404", `{"message":"2026-03-01 10:00:00 192.0.2.7 GET Agent/1.0+(x) 404","c-ip":"192.0.2.7","cs-method":"GET","cs(User-Agent)":"Agent/1.0+(x)","sc-status":"404","@timestamp":"2026-03-01T10:00:00Z"}`},
		{"2026-03-01 10:00:00 192.0.2.7 GET - 404", `{"message":"2026-03-01 10:00:00 192.0.2.7 GET - 404","c-ip":"192.0.2.7","cs-method":"GET","sc-status":"404","@timestamp":"2026-03-01T10:00:00Z"}`},
		{"2026-03-01 10:00:00 192.0.2.7", ""},
	} {
		got, ok := fields.Append(nil, c.line)
		if string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%s: %s", c.line, got)
		}
	}
	for line, want := range map[string]bool{"#Software: x": true, "#Remark": true, "2026 x": false, "": false} {
		if named, is := IsDirective(line); is != want || named != nil {
			t.Errorf("%q: %v %v", line, named, is)
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("#Fields: date time c-ip", "2026-03-01 10:00:00 192.0.2.7")
	f.Fuzz(func(t *testing.T, head, line string) {
		fields, _ := IsDirective(head)
		if object, ok := fields.Append(nil, line); ok && !json.Valid(object) {
			t.Fatalf("%q %q: %s", head, line, object)
		}
	})
}
