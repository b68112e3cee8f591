package secl

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Kind is a kind of value.
type Kind uint8

// The kinds of values.
const (
	Bool Kind = iota + 1
	Int
	String
	Net // an address is a network of one
)

var kindText = [...]string{Bool: "bool", Int: "int", String: "string", Net: "network"}

// String names the kind.
func (k Kind) String() string { return kindText[k] }

// Type is a kind, or any number of values of that kind.
type Type struct {
	Kind  Kind
	Array bool
}

// String is the kind, with [] behind it for an array.
func (t Type) String() string {
	if t.Array {
		return t.Kind.String() + "[]"
	}
	return t.Kind.String()
}

// Value is a value that stands in an expression.
type Value struct {
	Kind     Kind
	Bool     bool
	Int      int64
	Text     string
	Form     Form // of Text
	Net      netip.Prefix
	Duration bool // Int is nanoseconds, written with a unit
}

// BoolValue is a truth value.
func BoolValue(v bool) Value { return Value{Kind: Bool, Bool: v} }

// IntValue is an integer.
func IntValue(v int64) Value { return Value{Kind: Int, Int: v} }

// TextValue is a text that is compared as it stands.
func TextValue(v string) Value { return Value{Kind: String, Text: v} }

// NetValue is an address or a network.
func NetValue(v netip.Prefix) Value { return Value{Kind: Net, Net: v} }

// String is the value as it would be written in an expression.
func (v Value) String() string {
	switch v.Kind {
	case Bool:
		return strconv.FormatBool(v.Bool)
	case Int:
		return strconv.FormatInt(v.Int, 10)
	case String:
		return Format(&Text{Form: v.Form, Value: v.Text})
	case Net:
		return v.Net.String()
	}
	return "?"
}

// Any is the value as a value of Go.
func (v Value) Any() any {
	switch v.Kind {
	case Bool:
		return v.Bool
	case Int:
		return v.Int
	case Net:
		return v.Net.String()
	}
	return v.Text
}

// ParseNet reads an address or a network. IPv4 in IPv6 notation is IPv4. A bare
// address of zeros is none: as a network it would be every address.
func ParseNet(text string) (netip.Prefix, error) {
	host, bits, hasBits := strings.Cut(text, "/")
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("unknown IP address format %q", text)
	}
	if !hasBits {
		if ip.IsUnspecified() {
			return netip.Prefix{}, fmt.Errorf("unknown IP address format %q", text)
		}
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	n, err := strconv.Atoi(bits)
	if err != nil || n < 0 || n > ip.BitLen() {
		return netip.Prefix{}, fmt.Errorf("%q is no network: want at most %d bits", text, ip.BitLen())
	}
	if ip.Is4In6() {
		if n < 96 {
			return netip.Prefix{}, errors.New("a network of IPv4 in IPv6 notation has at least 96 bits")
		}
		ip, n = ip.Unmap(), n-96
	}
	return netip.PrefixFrom(ip, n), nil
}

// overlap tells whether either network contains the address that the other was
// written with. IPv4 and IPv6 never meet.
func overlap(a, b netip.Prefix) bool { return a.Contains(b.Addr()) || b.Contains(a.Addr()) }
