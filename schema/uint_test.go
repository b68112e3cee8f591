package schema

import "testing"

// TestIntegersTo64BitsKeepTheirDigits reads ids that a double would round.
func TestIntegersTo64BitsKeepTheirDigits(t *testing.T) {
	for text, want := range map[string]string{
		`9223372036854775807`:  `9223372036854775807`,
		`-9223372036854775808`: `-9223372036854775808`,
		`9223372036854775808`:  `9223372036854775808`,
		`18446744073709551615`: `18446744073709551615`,
		`18446744073709551616`: `18446744073709552000`, // beyond: the nearest double
	} {
		a, err := ParseAttributes(`{"id":` + text + `}`)
		if err != nil {
			t.Fatal(err)
		}
		e := Event{Attributes: a}
		if got := e.Values(ParseField("@id")); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}
