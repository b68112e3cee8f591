package intel

import (
	"net/netip"
	"slices"
	"strings"

	"nightjar/schema"
)

// Index finds indicators. It is not changed once it is made, and safe for use by several
// goroutines.
type Index struct {
	all []Indicator
	// By value: the indexes in all, ascending for one value.
	ips, domains, urls, hashes map[string][]int32
	// networks are the prefixes, by length of IPv4 and IPv6.
	networks           map[netip.Prefix][]int32
	lengths4, lengths6 []int
}

// NewIndex makes an index. Indicators whose value is not normal are left out.
func NewIndex(all []Indicator) *Index {
	x := &Index{
		all: all, ips: map[string][]int32{}, domains: map[string][]int32{}, urls: map[string][]int32{}, hashes: map[string][]int32{},
		networks: map[netip.Prefix][]int32{},
	}
	for i := range all {
		at, v := int32(i), all[i].Value
		switch all[i].Type {
		case IP:
			if p, err := netip.ParsePrefix(v); err == nil {
				x.networks[p] = append(x.networks[p], at)
				if p.Addr().Is4() {
					x.lengths4 = withLength(x.lengths4, p.Bits())
				} else {
					x.lengths6 = withLength(x.lengths6, p.Bits())
				}
				continue
			}
			x.ips[v] = append(x.ips[v], at)
		case Domain:
			x.domains[v] = append(x.domains[v], at)
		case URL:
			x.urls[v] = append(x.urls[v], at)
		case Hash:
			x.hashes[v] = append(x.hashes[v], at)
		}
	}
	return x
}

func withLength(lengths []int, n int) []int {
	if i, found := slices.BinarySearch(lengths, n); !found {
		return slices.Insert(lengths, i, n)
	}
	return lengths
}

// Len is how many indicators there are.
func (x *Index) Len() int { return len(x.all) }

// Find is every indicator that the value has, whatever its type.
func (x *Index) Find(value string) []Indicator {
	var out []Indicator
	for _, at := range x.find(Detect(value), value, nil) {
		out = append(out, x.all[at])
	}
	return out
}

func (x *Index) find(t Type, value string, out []int32) []int32 {
	switch t {
	case IP:
		return x.findIP(value, out)
	case Domain:
		return x.findDomain(value, out)
	case Hash:
		if len(x.hashes) > 0 && isHash(value) {
			out = append(out, x.hashes[strings.ToLower(value)]...)
		}
	case URL:
		return x.findURL(value, out)
	}
	return out
}

func (x *Index) findIP(value string, out []int32) []int32 {
	if len(x.ips)+len(x.networks) == 0 {
		return out
	}
	a, err := netip.ParseAddr(value)
	if err != nil {
		return out
	}
	a = a.Unmap().WithZone("")
	if len(x.ips) > 0 {
		var text [64]byte
		out = append(out, x.ips[string(a.AppendTo(text[:0]))]...)
	}
	lengths := x.lengths6
	if a.Is4() {
		lengths = x.lengths4
	}
	for i := len(lengths) - 1; i >= 0; i-- { // the narrowest first
		p, _ := a.Prefix(lengths[i])
		out = append(out, x.networks[p]...)
	}
	return out
}

// findDomain finds the domain, and those that it is below.
func (x *Index) findDomain(value string, out []int32) []int32 {
	if len(x.domains) == 0 || len(value) > 254 {
		return out
	}
	name := strings.ToLower(strings.TrimSuffix(value, "."))
	for strings.Contains(name, ".") {
		out = append(out, x.domains[name]...)
		_, name, _ = strings.Cut(name, ".")
	}
	return out
}

// findURL finds the URL, and its host.
func (x *Index) findURL(value string, out []int32) []int32 {
	if len(x.urls)+len(x.domains)+len(x.ips) == 0 || !strings.Contains(value, "://") {
		return out
	}
	if len(x.urls) > 0 {
		u, ok := normalURL(value)
		if !ok {
			return out
		}
		out = append(out, x.urls[u]...)
		value = u
	}
	_, host, _ := strings.Cut(value, "://")
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	return x.findHost(host[strings.LastIndexByte(host, '@')+1:], out)
}

// findHost finds a host, an address or a name, with a port or without.
func (x *Index) findHost(host string, out []int32) []int32 {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host, ']') < i && (strings.Count(host, ":") == 1 || host[0] == '[') {
		host = host[:i]
	}
	host = strings.Trim(host, "[]")
	if before := len(out); len(x.findIP(host, out)) > before {
		return x.findIP(host, out)
	}
	return x.findDomain(host, out)
}

// places are the standard attributes in which indicators are looked for.
var places = []struct {
	path string
	find func(*Index, string, []int32) []int32
}{
	{"network.client.ip", (*Index).findIP},
	{"network.destination.ip", (*Index).findIP},
	{"network.destination.domain", (*Index).findDomain},
	{"dns.question.name", (*Index).findDomain},
	{"dns.answer.name", (*Index).findHost},
	{"http.url", (*Index).findURL},
	{"http.referer", (*Index).findURL},
	{"http.url_details.host", (*Index).findHost},
	{"http.host", (*Index).findHost},
	{"tls.server_name", (*Index).findDomain},
}

// holdsHash reports whether the last step of a path is one of those that hold hashes.
// Nearly all are told by their length.
func holdsHash(path string) bool {
	name := path[strings.LastIndexByte(path, '.')+1:]
	switch len(name) {
	case 3:
		return strings.EqualFold(name, "md5")
	case 4:
		return strings.EqualFold(name, "sha1") || strings.EqualFold(name, "hash")
	case 6:
		return strings.EqualFold(name, "sha256") || strings.EqualFold(name, "hashes")
	}
	return false
}

// Hit is an indicator that an event has.
type Hit struct {
	Indicator
	Path string // where it was found
}

// most is how many matching indicators of an event are told.
const most = 20

// Match finds the indicators that an event has, each once, up to 20.
func (x *Index) Match(e *schema.Event) []Hit {
	var out []Hit
	var found [16]int32
	add := func(path string, at []int32) {
		for _, i := range at {
			if len(out) < most && !slices.ContainsFunc(out, func(h Hit) bool { return h.Indicator == x.all[i] }) {
				out = append(out, Hit{x.all[i], path})
			}
		}
	}
	for _, p := range places {
		for _, l := range e.Lookup(p.path) {
			if l.Kind == schema.KindString {
				add(p.path, p.find(x, l.Str, found[:0]))
			}
		}
	}
	if len(x.hashes) == 0 {
		return out
	}
	for i := range e.Leaves {
		l := &e.Leaves[i]
		if l.Kind == schema.KindString && len(l.Str) >= 32 && holdsHash(l.Path) {
			for _, value := range strings.FieldsFunc(l.Str, func(r rune) bool { return r == ',' || r == '=' || r == ':' || r == ' ' }) {
				add(l.Path, x.find(Hash, value, found[:0]))
			}
		}
	}
	return out
}
