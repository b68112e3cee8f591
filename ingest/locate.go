package ingest

import (
	"net/netip"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Locator knows where addresses are.
type Locator interface {
	// Locate is what is known of an address, as attributes; nil: nothing. An
	// error goes with what is known in spite of it. Others read the value too:
	// it is not changed.
	Locate(netip.Addr) (*fastjson.Value, error)
}

// Located counts events with a client's address by what came of it.
type Located struct {
	Found, Unknown, Unreadable, Failed int
	// Limited had more addresses than are looked up, and none of those has a location.
	Limited int
	// Present had a location already, and were left alone.
	Present int
}

// The attribute that is looked up, and the one that says where it is, by steps.
var (
	clientIP    = newSteps("network.client.ip")
	clientGeoIP = newSteps("network.client.geoip")
)

// maxAddresses is how many addresses of an event are looked up at most: each may
// have to be read from the file.
const maxAddresses = 64

// locate adds where the client is. Of several addresses, it is the first that
// has a location.
func (d *Decoder) locate(pairs []schema.Pair) []schema.Pair {
	if d.Locator == nil {
		return pairs
	}
	addresses := clientIP.find(pairs)
	if len(addresses) == 0 {
		return pairs
	}
	for _, m := range clientGeoIP.find(pairs) {
		if saysSomething(m.value) {
			d.Located.Present++
			return pairs
		}
	}
	readable, failed, tried := false, false, 0
	for _, m := range addresses {
		for _, ip := range addressesIn(m.value) {
			if tried++; tried > maxAddresses {
				d.Located.Limited++
				return pairs
			}
			readable = true
			place, err := d.Locator.Locate(ip)
			failed = failed || err != nil
			if place == nil {
				continue
			}
			d.Located.Found++
			key := strings.TrimSuffix(m.key, "ip") + "geoip"
			if m.owner == nil {
				return append(pairs, schema.Pair{Key: key, Value: place})
			}
			m.owner.Set(key, place)
			return pairs
		}
	}
	switch {
	case failed:
		d.Located.Failed++
	case readable:
		d.Located.Unknown++
	default:
		d.Located.Unreadable++
	}
	return pairs
}

// addressesIn are the addresses of a string, or of an array of strings.
func addressesIn(v *fastjson.Value) []netip.Addr {
	if v.Type() == fastjson.TypeString {
		return address(nil, v)
	}
	var out []netip.Addr
	for _, e := range v.GetArray() {
		out = address(out, e)
	}
	return out
}

func address(out []netip.Addr, v *fastjson.Value) []netip.Addr {
	ip, err := netip.ParseAddr(strings.TrimSpace(string(v.GetStringBytes())))
	if err != nil {
		return out
	}
	return append(out, ip)
}

// saysSomething is false of null and of what is empty.
func saysSomething(v *fastjson.Value) bool {
	switch v.Type() {
	case fastjson.TypeObject:
		return v.GetObject().Len() > 0
	case fastjson.TypeArray:
		return len(v.GetArray()) > 0
	}
	return v.Type() != fastjson.TypeNull
}

// steps are a path, cut at every dot. A dot in a key is a dot in the path, so
// that several keys may lead on from each step.
type steps struct {
	// keys[i][n] are the steps from i on, n+1 of them, as one key.
	keys [][]string
}

func newSteps(path string) steps {
	parts := strings.Split(path, ".")
	s := steps{keys: make([][]string, len(parts))}
	for i := range parts {
		for n := i + 1; n <= len(parts); n++ {
			s.keys[i] = append(s.keys[i], strings.Join(parts[i:n], "."))
		}
	}
	return s
}

// member is what stands at a path: under this key of its owner, which is nil for
// the event itself.
type member struct {
	owner *fastjson.Object
	key   string
	value *fastjson.Value
}

// find is all that stands at the path; of a key that comes twice, the last.
func (s *steps) find(pairs []schema.Pair) []member {
	var out []member
	for n, key := range s.keys[0] {
		for i := len(pairs) - 1; i >= 0; i-- {
			if pairs[i].Key == key {
				out = s.follow(out, member{nil, key, pairs[i].Value}, n+1)
				break
			}
		}
	}
	return out
}

// follow goes on from a member to which the first steps have led.
func (s *steps) follow(out []member, m member, done int) []member {
	if done == len(s.keys) {
		return append(out, m)
	}
	for _, e := range m.value.GetArray() {
		out = s.follow(out, member{m.owner, m.key, e}, done)
	}
	o := m.value.GetObject()
	if o == nil {
		return out
	}
	for n, key := range s.keys[done] {
		var last *fastjson.Value
		o.Visit(func(k []byte, v *fastjson.Value) {
			if string(k) == key {
				last = v
			}
		})
		if last != nil {
			out = s.follow(out, member{o, key, last}, done+n+1)
		}
	}
	return out
}
