package pcap

import (
	"fmt"
	"net/netip"
)

// Kind is what a test asks of a packet.
type Kind uint8

// The kinds.
const (
	Family   Kind = iota + 1 // Low is 4 or 6
	Protocol                 // Low is the protocol above IP
	Host                     // its addresses are in Net
	Port                     // its ports are from Low to High; a packet without ports has none
)

// Direction says which of a packet's two ends a test is about.
type Direction uint8

// The directions.
const (
	SourceOrDestination Direction = iota
	Source
	Destination
	SourceAndDestination
)

// Test is one question. Yes and No are the index of the next test, or Match or Pass.
type Test struct {
	Kind      Kind
	Direction Direction
	Low, High uint16
	Net       netip.Prefix
	Yes, No   uint8
}

// Program is a filter: it begins with the first test, and every answer leads forward.
type Program []Test

// Where a program ends.
const (
	Match uint8 = 254 // the packet is one that the filter means
	Pass  uint8 = 255
)

// MaxTests is how many tests a program has at most.
const MaxTests = 64

// Compile reads a filter. Its error is an *Error.
func Compile(text string) (Program, error) {
	e, err := parse(text)
	if err != nil {
		return nil, err
	}
	c := compiler{}
	c.emit(e, Match, Pass)
	if len(c.backwards) > MaxTests {
		return nil, &Error{1, fmt.Sprintf("it asks %d things of every packet: at most %d are", len(c.backwards), MaxTests)}
	}
	return c.program(), nil
}

// compiler makes the tests from the last to the first: what comes next is known then.
type compiler struct{ backwards []Test }

// emit adds the tests of an expression, and returns the place of its first one, from
// the end.
func (c *compiler) emit(e expr, yes, no uint8) uint8 {
	switch e := e.(type) {
	case *both:
		return c.emit(e.l, c.emit(e.r, yes, no), no)
	case *either:
		return c.emit(e.l, yes, c.emit(e.r, yes, no))
	case *denied:
		return c.emit(e.x, no, yes)
	}
	t := *e.(*Test)
	t.Yes, t.No = yes, no
	c.backwards = append(c.backwards, t)
	return uint8(min(len(c.backwards)-1, MaxTests)) // too many are refused later
}

func (c *compiler) program() Program {
	n := len(c.backwards)
	out := make(Program, n)
	forward := func(at uint8) uint8 {
		if at == Match || at == Pass {
			return at
		}
		return uint8(n - 1 - int(at))
	}
	for i, t := range c.backwards {
		t.Yes, t.No = forward(t.Yes), forward(t.No)
		out[n-1-i] = t
	}
	return out
}

// Packet is what a filter can ask of a packet.
type Packet struct {
	Source, Destination         netip.Addr
	Protocol                    uint8
	HasPorts                    bool
	SourcePort, DestinationPort uint16
}

// Matches reports whether a filter means a packet.
func (p Program) Matches(packet Packet) bool {
	at := uint8(0)
	for at != Match && at != Pass {
		if t := p[at]; t.holds(packet) {
			at = t.Yes
		} else {
			at = t.No
		}
	}
	return at == Match
}

func (t Test) holds(p Packet) bool {
	switch t.Kind {
	case Family:
		return p.Source.Is4() == (t.Low == 4)
	case Protocol:
		return p.Protocol == uint8(t.Low)
	case Host:
		return t.Direction.holds(t.Net.Contains(p.Source), t.Net.Contains(p.Destination))
	}
	in := func(port uint16) bool { return p.HasPorts && port >= t.Low && port <= t.High }
	return t.Direction.holds(in(p.SourcePort), in(p.DestinationPort))
}

func (d Direction) holds(source, destination bool) bool {
	switch d {
	case Source:
		return source
	case Destination:
		return destination
	case SourceAndDestination:
		return source && destination
	}
	return source || destination
}
