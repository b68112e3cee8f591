package files

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// grown is a file that is written in pieces: its end is reached before each.
type grown struct{ pieces []string }

func (g *grown) Read(b []byte) (int, error) {
	if len(g.pieces) == 0 || g.pieces[0] == "" {
		return 0, io.EOF
	}
	n := copy(b, g.pieces[0])
	g.pieces[0] = g.pieces[0][n:]
	return n, nil
}

// TestWhatIsFollowedIsHandedOverAsItComes writes a log in pieces, with lines cut in
// two, and looks at what was handed over when the end was reached.
func TestWhatIsFollowedIsHandedOverAsItComes(t *testing.T) {
	defer func(d time.Duration) { idleAfter = d }(idleAfter)
	idleAfter = 0
	for name, c := range map[string]struct{ pieces, want []string }{
		"lines":   {[]string{"", "on", "e\ntwo\nth", "ree\n", "", "{\"a\":1}\n"}, []string{"", "", "raw one,raw two", "raw three", "", `{"a":1}`, ""}},
		"objects": {[]string{"[\n{\"a\":1}", ",{\"a\":", "2}", "]"}, []string{`{"a":1}`, "", `{"a":2}`, "", ""}},
		"rows":    {[]string{"#separator \\x09\n", "#fields\ta\n#types\tcount\n1", "2\n"}, []string{"", "", `{"a":12}`, ""}},
		"records that wait for more": {[]string{"type=CWD msg=audit(1700000000.000:1): cwd=\"x\"\n", "type=USER_CMD msg=audit(1700000000.000:2): a=b\n"},
			[]string{`{"ddsource":"auditd","message":"type=CWD msg=audit(1700000000.000:1): cwd=\"x\""}`, `{"ddsource":"auditd","message":"type=USER_CMD msg=audit(1700000000.000:2): a=b"}`, ""}},
	} {
		in := &grown{pieces: c.pieces}
		var got, now []string
		err := Read("x", in, Options{Follow: func() bool {
			got, now = append(got, strings.Join(now, ",")), nil
			in.pieces = in.pieces[1:]
			return len(in.pieces) > 0
		}}, func(r Record) error {
			text := string(r.Text)
			if !r.JSON {
				text = "raw " + text
			}
			now = append(now, text)
			return nil
		})
		got = append(got, strings.Join(now, ","))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}
