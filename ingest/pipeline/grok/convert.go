package grok

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

func toInteger(c *Context, text string) *fastjson.Value {
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return toDouble(c, text) // beyond 64 bits: nearly the same is more than nothing
	}
	return value.Integer(c.Arena, i)
}

// toIntegerExt reads an integer with an exponent: 1e3 is 1000.
func toIntegerExt(c *Context, text string) *fastjson.Value {
	if !strings.ContainsAny(text, "eE") {
		return toInteger(c, text)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f >= 1<<63 || f < -1<<63 {
		return toDouble(c, text)
	}
	return value.Integer(c.Arena, int64(f))
}

func toDouble(c *Context, text string) *fastjson.Value {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return value.Double(c.Arena, f)
}

func toBool(isTrue *regexp.Regexp) convert {
	return func(c *Context, text string) *fastjson.Value {
		return value.Bool(c.Arena, isTrue.MatchString(text))
	}
}
