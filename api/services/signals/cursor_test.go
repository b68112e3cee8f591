package signals

import "testing"

// FuzzCursor holds that whatever a client sends is a cursor or an error, and that a cursor
// is read as it was written.
func FuzzCursor(f *testing.F) {
	f.Add(Cursor{At: 5, ID: "a"}.String())
	f.Add(Cursor{By: BySeverity, Value: 5, At: -1, ID: "\x00é"}.String())
	f.Add("W10")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseSignalCursor(text)
		if err != nil {
			return
		}
		if again, err := parseSignalCursor(c.String()); err != nil || again != c && c.By != ByTime {
			t.Errorf("%+v was read as %+v, %v", c, again, err)
		}
	})
}
