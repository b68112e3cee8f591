package pipeline

import (
	"net/netip"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// GeoIPParser tells where an address is.
type GeoIPParser struct {
	Base
	Sources []string `json:"sources"`
	Target  string   `json:"target"`

	paths  []record.Path
	target record.Path
}

func readGeoIPParser(o *object, b Base) Processor {
	g := &GeoIPParser{Base: b}
	g.Sources, g.paths = o.attributes("sources", "network.client.ip")
	g.Target, g.target = o.attribute("target", "network.client.geoip")
	o.ignore("ip_processing_behavior", "is_encoded")
	return g
}

// run writes what is known of the address: an empty object, where that is nothing.
func (g *GeoIPParser) run(x *run) outcome {
	v, _ := x.firstOf(g.paths)
	if v == nil {
		return skipped(noSource)
	}
	text := addressText(v)
	ip, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil || v.Type() != fastjson.TypeString {
		out := x.Arena.NewObject()
		out.Set("invalidAddress", x.String(text))
		return x.putNew(g.target, out)
	}
	if x.set.Locator == nil {
		return x.putNew(g.target, x.Arena.NewObject())
	}
	found, err := x.set.Locator.Locate(ip)
	if found == nil && err != nil {
		return failed(err)
	}
	if found == nil {
		return x.putNew(g.target, x.Arena.NewObject())
	}
	return x.putNew(g.target, x.place(found, ip))
}

// place is a copy of what is known, with the names that the vendor has beside ours.
func (x *run) place(found *fastjson.Value, ip netip.Addr) *fastjson.Value {
	out := x.Clone(found)
	latitude, longitude := found.Get("latitude"), found.Get("longitude")
	if latitude != nil && longitude != nil {
		location := x.Arena.NewObject()
		location.Set("latitude", latitude)
		location.Set("longitude", longitude)
		out.Set("location", location)
	}
	out.Set("ipAddress", x.String(ip.String()))
	return out
}

// addressText is what was found where an address belongs.
func addressText(v *fastjson.Value) string {
	if v.Type() != fastjson.TypeArray {
		text, _ := record.Text(v)
		return text
	}
	var parts []string
	for _, e := range v.GetArray() {
		text, _ := record.Text(e)
		parts = append(parts, text)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
