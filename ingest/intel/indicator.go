package intel

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"nightjar/schema"
)

// Type is what an indicator is.
type Type string

// The types of indicators, in the words of the reference.
const (
	IP     Type = "IP" // an address or a network
	Domain Type = "DOMAIN"
	URL    Type = "URL"
	Hash   Type = "HASH" // MD5, SHA-1 or SHA-256
)

// Indicator is one thing that was warned of.
type Indicator struct {
	Type  Type
	Value string // as Normal makes it
	// Category is attack, corp_vpn, cryptomining, malware, residential_proxy, tor,
	// scanner, or another word; Intention malicious, suspicious, benign or unknown.
	Category, Intention string
	// Source names the list, and SourceURL where more is said.
	Source, SourceURL string
	// About is more, as a text.
	About string
}

// Intentions are those that the reference has.
var Intentions = []string{"malicious", "suspicious", "benign", "unknown"}

// Detect is the type of a value, as its form shows; empty: it is none.
func Detect(value string) Type {
	v := refang(value)
	switch {
	case isHash(v):
		return Hash
	case strings.Contains(v, "://"):
		return URL
	}
	if _, ok := network(v); ok {
		return IP
	}
	if isDomain(v) {
		return Domain
	}
	return ""
}

// Normal is a value in the one form in which it is compared.
func Normal(t Type, value string) (string, error) {
	v := refang(value)
	switch t {
	case IP:
		p, ok := network(v)
		if !ok {
			return "", fmt.Errorf("%q is no address and no network", short(value))
		}
		if p.IsSingleIP() {
			return p.Addr().String(), nil
		}
		if p.Bits() == 0 {
			return "", fmt.Errorf("%q is every address", short(value))
		}
		return p.String(), nil
	case Domain:
		v = strings.ToLower(strings.TrimPrefix(strings.TrimSuffix(v, "."), "*."))
		if !isDomain(v) {
			return "", fmt.Errorf("%q is no domain", short(value))
		}
		return v, nil
	case Hash:
		if !isHash(v) {
			return "", fmt.Errorf("%q is no MD5, SHA-1 or SHA-256 in hexadecimal", short(value))
		}
		return strings.ToLower(v), nil
	case URL:
		u, ok := normalURL(v)
		if !ok {
			return "", fmt.Errorf("%q is no URL with a scheme and a host", short(value))
		}
		return u, nil
	}
	return "", fmt.Errorf("there is no type %q; there are %s, %s, %s and %s", t, IP, Domain, URL, Hash)
}

// refang undoes what keeps people from following a link by accident.
func refang(v string) string {
	v = strings.TrimSpace(v)
	if strings.ContainsAny(v, "[(") {
		v = strings.NewReplacer("[.]", ".", "(.)", ".", "[:]", ":", "[://]", "://").Replace(v)
	}
	if len(v) > 4 && strings.EqualFold(v[:4], "hxxp") {
		v = "http" + v[4:]
	}
	return v
}

// network is an address as the network of it alone, or a network.
func network(v string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(v); err == nil {
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(v)
	if err != nil {
		return netip.Prefix{}, false
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), true
}

func isHash(v string) bool {
	switch len(v) {
	case 32, 40, 64:
		_, err := hex.DecodeString(v)
		return err == nil
	}
	return false
}

// isDomain reports whether it is a name with a dot in it, whose last label is no number.
func isDomain(v string) bool {
	v = strings.TrimPrefix(strings.TrimSuffix(v, "."), "*.")
	if len(v) > 253 || !strings.Contains(v, ".") {
		return false
	}
	labels := strings.Split(v, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.IndexFunc(l, notInLabel) >= 0 {
			return false
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != ""
}

func notInLabel(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r > 0x7f)
}

// normalURL has scheme and host in small letters, no default port, no fragment, and a
// path.
func normalURL(v string) (string, bool) {
	u, err := url.Parse(v)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return "", false
	}
	u.Scheme, u.Host, u.Fragment, u.User = strings.ToLower(u.Scheme), strings.ToLower(u.Host), "", nil
	switch {
	case u.Scheme == "http":
		u.Host = strings.TrimSuffix(u.Host, ":80")
	case u.Scheme == "https":
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), true
}

func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// complete adds what a list says of all of its indicators.
func (i *Indicator) complete(d Defaults) {
	if i.Category == "" {
		i.Category = d.Category
	}
	if i.Intention == "" {
		i.Intention = d.Intention
	}
	if i.SourceURL == "" {
		i.SourceURL = d.SourceURL
	}
	i.Source = d.Source
}

// CheckIntention says that a word is no intention; empty is none, and good.
func CheckIntention(word string) error {
	for _, known := range Intentions {
		if word == known || word == "" {
			return nil
		}
	}
	hint := ""
	if c := schema.Closest(word, Intentions, 3); c != "" {
		hint = fmt.Sprintf("; did you mean %s?", c)
	}
	return fmt.Errorf("there is no intention %q; there are %s%s", word, strings.Join(Intentions, ", "), hint)
}
