package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// Params are the values of a query's parameters, by name: `{name:String}` in
// the text, Params{}.String("name", value) beside it. The map holds each value
// as it travels, so fill it through the methods.
//
// They reach the server with Context. (clickhouse.Named escapes top-level
// strings too, but reads the query to guess whether it has parameters.)
type Params map[string]string

// String sets a {name:String}.
func (p Params) String(name, value string) Params {
	p[name] = Text(value)
	return p
}

// Strings sets a {name:Array(String)}.
func (p Params) Strings(name string, values []string) Params {
	var out strings.Builder
	out.WriteByte('[')
	for i, value := range values {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\'')
		out.WriteString(Element(value))
		out.WriteByte('\'')
	}
	out.WriteByte(']')
	p[name] = out.String()
	return p
}

// Int sets a {name:Int64}, or of another integer type that holds it.
func (p Params) Int(name string, value int64) Params {
	p[name] = strconv.FormatInt(value, 10)
	return p
}

// Uint sets a {name:UInt64}.
func (p Params) Uint(name string, value uint64) Params {
	p[name] = strconv.FormatUint(value, 10)
	return p
}

// Ints sets a {name:Array(Int64)}.
func (p Params) Ints(name string, values []int64) Params {
	out := []byte{'['}
	for i, value := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, value, 10)
	}
	p[name] = string(append(out, ']'))
	return p
}

// Uints sets a {name:Array(UInt64)}.
func (p Params) Uints(name string, values []uint64) Params {
	out := []byte{'['}
	for i, value := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendUint(out, value, 10)
	}
	p[name] = string(append(out, ']'))
	return p
}

// Float sets a {name:Float64}. The server reads back the very same number.
func (p Params) Float(name string, value float64) Params {
	p[name] = strconv.FormatFloat(value, 'g', -1, 64)
	return p
}

// Bool sets a {name:Bool}.
func (p Params) Bool(name string, value bool) Params {
	p[name] = strconv.FormatBool(value)
	return p
}

// Time sets a {name:DateTime64(9)}, as seconds since 1970: a text with a date
// would be read in the server's time zone. The server takes "-0.5" for half a
// second after 1970, so the second before it is sent whole.
func (p Params) Time(name string, value time.Time) Params {
	seconds, nanos := value.Unix(), int64(value.Nanosecond())
	switch {
	case seconds == -1:
		nanos = 0
	case seconds < 0 && nanos > 0: // the fraction counts away from zero
		seconds, nanos = seconds+1, int64(time.Second)-nanos
	}
	p[name] = fmt.Sprintf("%d.%09d", seconds, nanos)
	return p
}

// Context makes p the parameters of the queries run with the returned context.
// Other options of the query go beside them, because a second ch.Context would
// take their place.
func (p Params) Context(ctx context.Context, options ...ch.QueryOption) context.Context {
	return ch.Context(ctx, append(options, ch.WithParameters(ch.Parameters(maps.Clone(p))))...)
}

// Text is how a string travels as a parameter of type String. The server reads
// a parameter as escaped text: sent raw, `C:\new` arrives as "C:", a newline,
// "ew", and whatever was asked for it is never found.
func Text(s string) string { return paramText.Replace(s) }

// Element is how a string travels inside the quotes of an array parameter.
func Element(s string) string { return paramElement.Replace(s) }

var (
	paramText    = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\x00", `\0`)
	paramElement = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\x00", `\0`, `'`, `\'`)
)
