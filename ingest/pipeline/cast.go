package pipeline

import (
	"math"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/record"
)

// The formats that a remapper casts to.
const (
	formatAuto    = "auto"
	formatString  = "string"
	formatInteger = "integer"
	formatDouble  = "double"
)

// cast is the value in another type; what cannot be cast stays what it is.
func (x *run) cast(v *fastjson.Value, format string) *fastjson.Value {
	switch format {
	case formatString:
		if text, ok := record.Text(v); ok && v.Type() != fastjson.TypeArray && v.Type() != fastjson.TypeString {
			return x.String(text)
		}
	case formatInteger:
		if i, ok := integerOf(v); ok {
			return value.Integer(x.Arena, i)
		}
	case formatDouble:
		if f, ok := numberOf(v); ok {
			return value.Double(x.Arena, f)
		}
	}
	return v
}

// integerOf is a number, or the number that a text is, without its fraction.
func integerOf(v *fastjson.Value) (int64, bool) {
	if text, ok := numeral(v); ok {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, true
		}
	}
	f, ok := numberOf(v)
	if !ok || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// numberOf is a number, or the number that a text is.
func numberOf(v *fastjson.Value) (float64, bool) {
	text, ok := numeral(v)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// numeral is the text of a number, or a text that is made like one: neither hexadecimal
// nor with separators.
func numeral(v *fastjson.Value) (string, bool) {
	switch v.Type() {
	case fastjson.TypeNumber:
		return v.String(), true
	case fastjson.TypeString:
		text := strings.TrimSpace(string(v.GetStringBytes()))
		return text, text != "" && len(text) <= 64 && strings.Trim(text, "+-.eE0123456789") == "" && strings.ContainsAny(text, "0123456789")
	}
	return "", false
}
