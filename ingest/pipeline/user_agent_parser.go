package pipeline

import (
	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/useragent"
	"nightjar/ingest/pipeline/weburl"
	"nightjar/ingest/record"
)

// UserAgentParser tells the browser, system and device of a User-Agent.
type UserAgentParser struct {
	Base
	Sources []string `json:"sources"`
	Target  string   `json:"target"`
	Encoded bool     `json:"is_encoded"`

	paths  []record.Path
	target record.Path
}

func readUserAgentParser(o *object, b Base) Processor {
	u := &UserAgentParser{Base: b, Encoded: o.flagOr("is_encoded", false)}
	u.Sources, u.paths = o.attributes("sources", "http.useragent")
	u.Target, u.target = o.attribute("target", "http.useragent_details")
	o.ignore("combine_version_details")
	return u
}

func (u *UserAgentParser) run(x *run) outcome {
	v, _ := x.firstOf(u.paths)
	if v == nil {
		return skipped(noSource)
	}
	if v.Type() != fastjson.TypeString {
		return skipped("its source is no text")
	}
	text := string(v.GetStringBytes())
	if u.Encoded {
		text = weburl.Unescape(text)
	}
	// What was not seen lately takes milliseconds, and the very first some hundred, since the
	// expressions are read then: these are not the pipeline's.
	defer x.spent.pause()()
	return x.putNew(u.target, useragent.Details(x.Arena, text))
}
