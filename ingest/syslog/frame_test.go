package syslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// framed is a message as it comes out of a stream.
type framed struct{ Text, Problem string }

const testMax = 40

func framesOf(t testing.TB, r io.Reader) (out []framed, err error) {
	t.Helper()
	f := newFrames(r, testMax, func(int) error { return nil })
	for {
		text, problem, err := f.next()
		if err != nil {
			return out, err
		}
		if len(text) > testMax {
			t.Errorf("a message of %d bytes", len(text))
		}
		out = append(out, framed{string(text), problem})
	}
}

func TestEachMessageTellsItsFraming(t *testing.T) {
	long := strings.Repeat("x", 60)
	for name, c := range map[string]struct {
		in   string
		want []framed
	}{
		"lines":                                  {"<13>a\n<13>b\r\n<13>c\x00\n", []framed{{"<13>a", ""}, {"<13>b", ""}, {"<13>c", ""}}},
		"the last line has no end":               {"<13>a\n<13>b", []framed{{"<13>a", ""}, {"<13>b", ""}}},
		"lengths":                                {"5 <13>a6 <13>bc", []framed{{"<13>a", ""}, {"<13>bc", ""}}},
		"lengths that hold line feeds":           {"8 <13>a\nb\n5 <13>c", []framed{{"<13>a\nb", ""}, {"<13>c", ""}}},
		"line feeds behind counted messages":     {"5 <13>a\n5 <13>b\n", []framed{{"<13>a", ""}, {"<13>b", ""}}},
		"both":                                   {"5 <13>a<13>b\n5 <13>c", []framed{{"<13>a", ""}, {"<13>b", ""}, {"<13>c", ""}}},
		"no priority":                            {"5 hello", []framed{{"hello", ""}}},
		"a line that begins with a large number": {"1700000000 x\n<13>b\n", []framed{{"1700000000 x", ""}, {"<13>b", ""}}},
		"a date":                                 {"2026-01-02 x\n", []framed{{"2026-01-02 x", ""}}},
		"only digits":                            {"12", []framed{{"12", ""}}},
		"a line that is too long":                {long + "\n<13>b\n", []framed{{long[:testMax], tooLong}, {"<13>b", ""}}},
		"as long as may be":                      {long[:testMax] + "\n", []framed{{long[:testMax], ""}}},
		"a length that is too long":              {"64 <13>" + long + "<13>b\n", []framed{{"<13>" + long[:testMax-4], tooLong}, {"<13>b", ""}}},
		"cut off":                                {"10 <13>a", []framed{{"<13>a", cutOff}}},
		"empty lines":                            {"\n\r\n\x00\n<13>a\n", []framed{{"<13>a", ""}}},
		"nothing":                                {"", nil},
	} {
		for pieces, r := range map[string]io.Reader{
			"at once": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in)), "with the end": iotest.DataErrReader(strings.NewReader(c.in)),
		} {
			got, err := framesOf(t, r)
			if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, io.EOF) {
				t.Errorf("%s, %s: %v %s", name, pieces, err, diff)
			}
		}
	}
}

func TestAStreamThatBreaksLeavesWhatCame(t *testing.T) {
	broken := errors.New("reset")
	got, err := framesOf(t, io.MultiReader(strings.NewReader("<13>a\n<13>b"), iotest.ErrReader(broken)))
	if diff := cmp.Diff([]framed{{"<13>a", ""}, {"<13>b", cutOff}}, got); diff != "" || !errors.Is(err, broken) {
		t.Error(err, diff)
	}
}

// FuzzFrames holds that nothing of a stream is lost or invented but what stands
// between messages, whatever the pieces in which it comes.
func FuzzFrames(f *testing.F) {
	for _, s := range []string{"<13>a\n5 <13>b", "99 x", "12 <", "1 \n2 ab\x00\r\n", "00012 x", "99999999 <13>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, _ := framesOf(t, bytes.NewReader(in))
		pieces, _ := framesOf(t, iotest.OneByteReader(bytes.NewReader(in)))
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Error(diff)
		}
		at, kept, long := 0, 0, false
		for _, m := range whole {
			i := bytes.Index(in[at:], []byte(m.Text))
			if i < 0 {
				t.Fatalf("%q is not in %q", m.Text, in[at:])
			}
			at, kept, long = at+i+len(m.Text), kept+len(m.Text), long || m.Problem == tooLong
		}
		// Lengths with their blank and line ends are all that may be missing.
		if rest := len(in) - kept; !long && rest > len(whole)*(maxDigits+1)+bytes.Count(in, []byte("\n"))+bytes.Count(in, []byte("\r"))+bytes.Count(in, []byte("\x00"))+maxDigits+1 {
			t.Errorf("%d bytes of %q are missing in %v", rest, in, whole)
		}
	})
}

// FuzzMessages builds messages in either framing, and reads them back.
func FuzzMessages(f *testing.F) {
	f.Add("<13>a", "<14>1 - - - - - - b", uint8(1))
	f.Fuzz(func(t *testing.T, a, b string, framing uint8) {
		a, b = "<13>"+clean(a), "<14>"+clean(b)
		var in strings.Builder
		for i, s := range []string{a, b} {
			if framing>>i&1 == 0 {
				in.WriteString(s + "\n")
			} else {
				fmt.Fprintf(&in, "%d %s", len(s), s)
			}
		}
		got, err := framesOf(t, strings.NewReader(in.String()))
		if diff := cmp.Diff([]framed{{a, ""}, {b, ""}}, got); diff != "" || !errors.Is(err, io.EOF) {
			t.Error(err, diff)
		}
	})
}

// clean is a text that either framing can carry within the limit of the tests.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == 0 {
			return '.'
		}
		return r
	}, s)
	return s[:min(len(s), testMax-4)]
}
