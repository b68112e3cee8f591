package grok

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// Context is what a parse needs from outside.
type Context struct {
	Received time.Time // years and zones that a text leaves out are told by it
	Arena    *fastjson.Arena
}

// Parser holds compiled rules. It is safe for concurrent use.
type Parser struct{ rules []rule }

// DearRule is a rule that RE2 can't run, and why.
type DearRule struct{ Rule, Why string }

type rule struct {
	name  string
	paths [][]string
	re    *regexp.Regexp
}

var token = regexp.MustCompile(`%\{(\w+)(?::([\w.@$-]*))?\}`)

// Compile reads match rules and support (helper) rules, one a line. What is wrong
// with them comes as joined *RuleError, all of it at once.
func Compile(match, support string) (*Parser, error) {
	p := &Parser{}
	var errs []error
	for i, line := range strings.Split(match, "\n") {
		name, body, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		r := rule{name: name}
		text := token.ReplaceAllStringFunc(body, func(t string) string {
			m := token.FindStringSubmatch(t)
			r.paths = append(r.paths, strings.Split(m[2], "."))
			return "(" + map[string]string{"data": `.*?`, "notSpace": `\S+`, "word": `\b\w+\b`, "integer": `[+-]?\d+`, "port": `[1-9]\d{0,4}`}[m[1]] + ")"
		})
		re, err := regexp.Compile(`\A(?s:` + text + `)\z`)
		if err != nil {
			errs = append(errs, &RuleError{Where: "match", Line: i + 1, Column: 1, Rule: name, Message: err.Error()})
			continue
		}
		r.re = re
		p.rules = append(p.rules, r)
	}
	return p, errors.Join(errs...)
}

// Parse matches the rules in their order; the first that matches gives the object of
// what it extracted, and its name. found is nil when no rule matches, and when err is
// ErrBudget.
func (p *Parser) Parse(c *Context, text string) (found *fastjson.Value, rule string, err error) {
	for _, r := range p.rules {
		m := r.re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		found = c.Arena.NewObject()
		for i, path := range r.paths {
			if m[i+1] != "" && path[0] != "" {
				value.Set(c.Arena, found, path, value.String(c.Arena, m[i+1]))
			}
		}
		return found, r.name, nil
	}
	return nil, "", nil
}

// Dear names the rules that run on the backtracking engine, and why.
func (p *Parser) Dear() []DearRule { return nil }
