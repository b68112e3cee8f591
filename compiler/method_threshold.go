package compiler

import (
	"time"

	"nightjar/schema"
)

// thresholdMethod counts what matches within a window. The other methods are built on
// it: they have what it has where they say nothing else.
type thresholdMethod struct{}

func (thresholdMethod) about() aboutMethod {
	return aboutMethod{name: schema.MethodThreshold, ofSignals: true, silence: true}
}

func (thresholdMethod) queries(c *ruleCompiler) { c.labels(nil) }

func (thresholdMethod) cases(c *ruleCompiler) { c.cases(c.condition, nil) }

func (thresholdMethod) durations(*Plan) {}

func (thresholdMethod) analyze(c *ruleCompiler) { c.analyzeCases() }

func (thresholdMethod) lookback(p *Plan) time.Duration {
	if p.Expected != nil {
		return 2 * p.Window // whether it was heard of before it began to be expected
	}
	return p.Window
}
