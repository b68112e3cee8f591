package bench

import (
	"reflect"
	"slices"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// BenchmarkExprLang gives the environment as a struct, which is its fastest form,
// and reuses the virtual machine.
func BenchmarkExprLang(b *testing.B) {
	for _, kind := range []string{"exec", "open"} {
		b.Run(kind, func(b *testing.B) {
			texts, env := translated(b, exprDialect, kind)
			object := structOf(env)
			var programs []*vm.Program
			for _, text := range texts {
				p, err := expr.Compile(text, expr.Env(object), expr.AsBool())
				if err != nil {
					b.Fatalf("%s: %v", text, err)
				}
				programs = append(programs, p)
			}
			machine, found := vm.VM{}, 0
			b.ReportAllocs()
			start := processorTime(b)
			for b.Loop() {
				for _, p := range programs {
					got, err := machine.Run(p, object)
					if err != nil {
						b.Fatal(err)
					}
					if got == true {
						found++
					}
				}
			}
			cpu(b, start)
			b.ReportMetric(float64(len(programs)), "rules")
			if found > 0 {
				b.Errorf("the event is benign, and rules matched it %d times", found)
			}
		})
	}
}

// structOf makes a struct of an environment.
func structOf(env map[string]any) any {
	var fields []reflect.StructField
	for name, v := range env {
		if name == "now" {
			fields = append(fields, reflect.StructField{Name: "Now", Type: reflect.TypeOf(v), Tag: `expr:"now"`})
		} else {
			fields = append(fields, reflect.StructField{Name: name, Type: reflect.TypeOf(v)})
		}
	}
	object := reflect.New(reflect.StructOf(fields)).Elem()
	for name, v := range env {
		if name == "now" {
			name = "Now"
		}
		object.FieldByName(name).Set(reflect.ValueOf(v))
	}
	return object.Interface()
}

// BenchmarkCEL lets cel-go fold constants and compile regular expressions ahead,
// and reuses the activation.
func BenchmarkCEL(b *testing.B) {
	for _, kind := range []string{"exec", "open"} {
		b.Run(kind, func(b *testing.B) {
			texts, values := translated(b, celDialect, kind)
			options := []cel.EnvOption{ext.Math()}
			for name, v := range values {
				options = append(options, cel.Variable(name, celType(v)))
			}
			env, err := cel.NewEnv(options...)
			if err != nil {
				b.Fatal(err)
			}
			var programs []cel.Program
			for _, text := range texts {
				ast, issues := env.Compile(text)
				if issues.Err() != nil {
					b.Fatalf("%s: %v", text, issues.Err())
				}
				p, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
				if err != nil {
					b.Fatal(err)
				}
				programs = append(programs, p)
			}
			activation, err := cel.NewActivation(values)
			if err != nil {
				b.Fatal(err)
			}
			found := 0
			b.ReportAllocs()
			start := processorTime(b)
			for b.Loop() {
				for _, p := range programs {
					got, _, err := p.Eval(activation)
					if err != nil {
						b.Fatal(err)
					}
					if got.Value() == true {
						found++
					}
				}
			}
			cpu(b, start)
			b.ReportMetric(float64(len(programs)), "rules")
			if found > 0 {
				b.Errorf("the event is benign, and rules matched it %d times", found)
			}
		})
	}
}

func celType(v any) *cel.Type {
	switch v.(type) {
	case bool:
		return cel.BoolType
	case string:
		return cel.StringType
	case []string:
		return cel.ListType(cel.StringType)
	case []int64:
		return cel.ListType(cel.IntType)
	}
	return cel.IntType
}

// TestTheComparisonIsOfTheSameRules keeps the comparison honest: the others get all rules
// but those that they can't express.
func TestTheComparisonIsOfTheSameRules(t *testing.T) {
	for kind, least := range map[string]int{"exec": 100, "open": 45} {
		texts, _ := translated(t, celDialect, kind)
		if len(texts) < least {
			t.Errorf("only %d of the %s rules are translated", len(texts), kind)
		}
		if slices.Contains(texts, "") {
			t.Errorf("a rule about %s is empty", kind)
		}
	}
}
