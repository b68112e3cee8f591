package policy

import "fmt"

// Mode says what becomes of the kill and network_filter actions of a policy's rules.
type Mode uint8

// The modes, the stronger one last: of a rule that several policies have enabled, the
// strongest counts.
const (
	// Monitoring decides what would be done, and records it.
	Monitoring Mode = iota
	// Blocking does it.
	Blocking
)

// String is the name of the mode as policies are assigned with it.
func (m Mode) String() string {
	if m == Blocking {
		return "blocking"
	}
	return "monitoring"
}

// ParseMode reads the name of a mode.
func ParseMode(text string) (Mode, error) {
	switch text {
	case "blocking":
		return Blocking, nil
	case "monitoring":
		return Monitoring, nil
	}
	return Monitoring, fmt.Errorf("%q is no mode of a policy; write monitoring or blocking", text)
}

// MarshalText writes the name of the mode.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads it.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}
