package pipeline

import (
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/weburl"
	"nightjar/ingest/record"
)

// URLParser takes a URL apart.
type URLParser struct {
	Base
	Sources []string `json:"sources"`
	Target  string   `json:"target"`
	Trim    bool     `json:"normalize_ending_slashes"`

	paths  []record.Path
	target record.Path
}

func readURLParser(o *object, b Base) Processor {
	u := &URLParser{Base: b, Trim: o.flagOr("normalize_ending_slashes", false)}
	u.Sources, u.paths = o.attributes("sources", "http.url")
	u.Target, u.target = o.attribute("target", "http.url_details")
	return u
}

func (u *URLParser) run(x *run) outcome {
	v, _ := x.firstOf(u.paths)
	if v == nil {
		return skipped(noSource)
	}
	if v.Type() != fastjson.TypeString {
		return skipped("its source is no text")
	}
	parts := weburl.Details(x.Arena, strings.TrimSpace(string(v.GetStringBytes())), u.Trim)
	if parts == nil {
		return skipped("its source is no URL")
	}
	return x.putNew(u.target, parts)
}
