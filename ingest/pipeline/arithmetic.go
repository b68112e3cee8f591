package pipeline

import (
	"fmt"
	"math"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/record"
)

// Arithmetic writes the result of an expression.
type Arithmetic struct {
	Base
	Expression string `json:"expression"`
	Target     string `json:"target"`
	Replace    bool   `json:"is_replace_missing"`

	path record.Path
	sum  expression
}

func readArithmetic(o *object, b Base) Processor {
	a := &Arithmetic{Base: b, Expression: o.filled("expression"), Replace: o.flagOr("is_replace_missing", false)}
	a.Target, a.path = o.attribute("target", "")
	if a.Expression == "" {
		return a
	}
	e, err := parseExpression(a.Expression)
	if err != nil {
		o.problem("expression", err.Error(), "an expression has + - * / ( ), numbers and attributes; write a minus with spaces around it")
		return a
	}
	a.sum = e
	return a
}

func (a *Arithmetic) run(x *run) outcome {
	f, missing := a.sum(x, a.Replace)
	switch {
	case missing != "":
		return skipped(missing + " is missing, or no number")
	case math.IsNaN(f) || math.IsInf(f, 0):
		return skipped("the result is no number")
	}
	return x.putNew(a.path, value.Double(x.Arena, rounded(f)))
}

// rounded is f with nine digits after the point.
func rounded(f float64) float64 {
	if math.Abs(f) >= 1<<23 && f == math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return f
	}
	return math.Round(f*1e9) / 1e9
}

// expression is what a parsed expression is for a record. Missing names the first
// attribute that is none, unless missing ones are 0.
type expression func(x *run, zero bool) (f float64, missing string)

func constant(f float64) expression { return func(*run, bool) (float64, string) { return f, "" } }

func attribute(p record.Path) expression {
	return func(x *run, zero bool) (float64, string) {
		v := x.get(p)
		if v != nil && v.Type() != fastjson.TypeArray {
			if f, ok := numberOf(v); ok {
				return f, ""
			}
		}
		if zero {
			return 0, ""
		}
		return 0, p.String()
	}
}

func operation(operator byte, left, right expression) expression {
	return func(x *run, zero bool) (float64, string) {
		l, missing := left(x, zero)
		if missing != "" {
			return 0, missing
		}
		r, missing := right(x, zero)
		switch operator {
		case '+':
			return l + r, missing
		case '-':
			return l - r, missing
		case '*':
			return l * r, missing
		}
		return l / r, missing // by zero: no number, and skipped
	}
}

// expressionError says what is wrong where.
func expressionError(at int, format string, args ...any) error {
	return fmt.Errorf("at character %d: %s", at+1, fmt.Sprintf(format, args...))
}
