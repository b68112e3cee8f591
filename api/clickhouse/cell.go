package clickhouse

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// cell is a scanned value as JSON has it: nil, bool, string, json.Number, or a
// list or object of these. Integers that a double cannot hold exactly are
// strings, so that no reader rounds an id; times are RFC 3339 in UTC, dates
// dates; NaN and the infinities are null.
func cell(v reflect.Value, typ string) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		if b, ok := v.Interface().(*big.Int); ok {
			return number(b.String())
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	switch x := v.Interface().(type) {
	case time.Time:
		if isDate(typ) {
			return x.Format(time.DateOnly)
		}
		return x.UTC().Format(time.RFC3339Nano)
	case big.Int:
		return number(x.String())
	case net.IP:
		return x.String()
	case netip.Addr:
		return x.String()
	case ch.JSON:
		return object(x.NestedMap())
	case ch.Variant:
		return cell(reflect.ValueOf(x.Any()), x.Type())
	case json.RawMessage:
		return string(x)
	case []byte: // of a list of JSON
		return jsonCell(string(x))
	case fmt.Stringer:
		// Decimals, UUIDs and the like.
		if s := x.String(); strings.Contains(typ, "Decimal") {
			return number(s)
		}
		return x.String()
	}
	return plain(v, typ)
}

func plain(v reflect.Value, typ string) any {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return strings.ToValidUTF8(v.String(), "\uFFFD")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return number(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return number(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32:
		return float(v.Float(), 32)
	case reflect.Float64:
		return float(v.Float(), 64)
	case reflect.Slice, reflect.Array:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = cell(v.Index(i), typ)
		}
		return list
	case reflect.Map:
		m := make(map[string]any, v.Len())
		for _, k := range v.MapKeys() {
			m[fmt.Sprint(cell(k, ""))] = cell(v.MapIndex(k), typ)
		}
		return m
	}
	return fmt.Sprint(v.Interface())
}

func object(m map[string]any) any { return cell(reflect.ValueOf(m), "") }

func isDate(typ string) bool {
	return strings.Contains(typ, "Date") && !strings.Contains(typ, "DateTime")
}

// number is a number where a double holds it exactly, else its text.
func number(text string) any {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		if i < 1<<53 && i > -1<<53 {
			return json.Number(text)
		}
		return text
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && len(text) <= 16 && !math.IsInf(f, 0) {
		return json.Number(text)
	}
	return text
}

func float(f float64, bits int) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, bits))
}

// jsonColumn is a value of type JSON: as text where the server is told to write it
// so, which is many times faster, else as an object.
type jsonColumn struct{ cell any }

// Scan implements sql.Scanner.
func (j *jsonColumn) Scan(src any) error {
	switch src := src.(type) {
	case string:
		j.cell = jsonCell(strings.Clone(src))
	case []byte:
		j.cell = jsonCell(string(src))
	default:
		return fmt.Errorf("a value of type JSON came as %T", src)
	}
	return nil
}

// DeserializeClickHouseJSON implements column.JSONDeserializer.
func (j *jsonColumn) DeserializeClickHouseJSON(v *ch.JSON) error {
	j.cell = object(v.NestedMap())
	return nil
}

func isJSON(typ string) bool { return strings.HasPrefix(typ, "JSON") }

// jsonCell is an object that the server wrote: as it is, unless it may have a number
// that a double does not hold.
func jsonCell(text string) any {
	if !longNumber.MatchString(text) {
		return json.RawMessage(text)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return text
	}
	return exactNumbers(v)
}

var longNumber = regexp.MustCompile(`[0-9.]{16}`)

// exactNumbers writes the numbers in a decoded value as number does.
func exactNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return number(v.String())
	case []any:
		for i := range v {
			v[i] = exactNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = exactNumbers(v[k])
		}
	}
	return v
}

// cellSize is about how long the cell will be, as text.
func cellSize(c any) int {
	switch c := c.(type) {
	case string:
		return len(c) + 2
	case json.RawMessage:
		return len(c)
	case []any:
		n := 2
		for _, e := range c {
			n += cellSize(e)
		}
		return n
	case map[string]any:
		n := 2
		for k, e := range c {
			n += len(k) + 3 + cellSize(e)
		}
		return n
	}
	return 8
}
