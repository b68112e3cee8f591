package configuration

import "fmt"

// MaxTests is how large the tests of a rule or the samples of a pipeline may be, in bytes.
const MaxTests = 1 << 20

// checkTests looks at a text of tests, of the object that the field names; command runs what
// is longer.
func checkTests(field, id, text, command string) error {
	var bad faults
	bad.required(field, id)
	if len(text) > MaxTests {
		bad.Add("text", fmt.Sprintf("at most %d bytes, got %d; keep the rest in a file, for `%s`", MaxTests, len(text), command))
	}
	return bad.Err()
}
