package scheduler

import (
	"context"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/scheduler/oracle"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// This file has the reference tables and suppressions of generated rules, and what
// they mean to the oracle.

// listing is a column of a reference table, as it was and as it became.
type listing struct {
	kind          reference.Kind
	before, after []string
}

var listings = map[string]listing{ // table and column have the same name
	"names":    {reference.Exact, []string{"u1", "dev", "h1", "x", "1"}, []string{"u2", "ops", "h1", "0.1"}},
	"roster":   {reference.Exact, []string{"u1", "u4", "dev", "web"}, []string{"u1", "u4", "dev", "web"}},
	"networks": {reference.CIDR, []string{"10.0.0.0/8", "192.168.7.7", "2001:db8::/32"}, []string{"10.1.0.0/16", "8.8.8.0/24"}},
	"starts":   {reference.Prefix, []string{"u", "h1", "10.2."}, []string{"192.", "d", "2001:db8:"}},
	"looks":    {reference.Wildcard, []string{"*2", "d?v", "10.*.1"}, []string{"?1", "1*"}},
}

// lists reports whether a column has a value, by looking at all of it.
func lists(name, value string, at, changed schema.Millis) bool {
	l := listings[name]
	column := l.before
	if at >= changed {
		column = l.after
	}
	return slices.ContainsFunc(column, func(listed string) bool {
		switch l.kind {
		case reference.Prefix:
			return strings.HasPrefix(value, listed)
		case reference.Wildcard:
			return must(path.Match(listed, value))
		case reference.CIDR:
			address, err := netip.ParseAddr(value)
			if network, of := netip.ParsePrefix(listed); err == nil && of == nil {
				return network.Contains(address)
			}
			return err == nil && address == must(netip.ParseAddr(listed))
		}
		return value == listed
	})
}

// column is a table's, as it is at a moment.
func column(name string, at, changed schema.Millis) []string {
	if at >= changed {
		return listings[name].after
	}
	return listings[name].before
}

// changing are the reference tables in memory: they changed at a moment.
type changing struct{ changed schema.Millis }

var memories = sync.OnceValue(func() (out [2]*reference.Memory) {
	for i := range out {
		out[i] = reference.NewMemory()
		for name, l := range listings {
			lines := append([]string{name + ":" + string(l.kind)}, [][]string{l.before, l.after}[i]...)
			must(out[i].Add(name, strings.NewReader(strings.Join(lines, "\n")), []compiler.TableColumn{{Table: name, Column: name}}))
		}
	}
	return out
})

func (c changing) Has(table, column, value string, at schema.Millis) bool {
	if at >= c.changed {
		return memories()[1].Has(table, column, value, at)
	}
	return memories()[0].Has(table, column, value, at)
}

// Values implements compiler.Roster.
func (c changing) Values(table, name string, at schema.Millis, use func(value string, since schema.Millis) bool) {
	for _, value := range column(table, at, c.changed) {
		if since, _ := c.Since(table, name, value, at); !use(value, since) {
			return
		}
	}
}

// Since implements compiler.Roster: what was there before is there since ever.
func (c changing) Since(table, _, value string, at schema.Millis) (schema.Millis, bool) {
	switch {
	case !slices.Contains(column(table, at, c.changed), value):
		return 0, false
	case slices.Contains(listings[table].before, value):
		return detect.SinceEver, true
	}
	return c.changed, true
}

// Lists implements oracle.Tables.
func (c changing) Lists(_, column, value string, at schema.Millis) bool {
	return lists(column, value, at, c.changed)
}

// Listed implements oracle.Tables.
func (c changing) Listed(table, name string, at schema.Millis) map[string]schema.Millis {
	out := map[string]schema.Millis{}
	for _, value := range column(table, at, c.changed) {
		out[value], _ = c.Since(table, name, value, at)
	}
	return out
}

type worldTables struct {
	*world
	changing
}

func (w worldTables) Load(context.Context, []compiler.TableColumn, schema.Millis) error {
	return w.fault()
}

func (w worldTables) Check(compiler.TableColumn) error { return nil }

func (w worldTables) Missing(columns []compiler.TableColumn) []string {
	return memories()[0].Missing(columns)
}

// ruleQueries are queries of suppressions, and whether they select the rules
// that are generated.
var ruleQueries = map[string]bool{"*": true, "type:log_detection": true, "name:generated -severity:none": true, "name:other": false}

// signalQueries are queries of suppressions with their answers.
var signalQueries = map[string]func(*oracle.Signal) bool{
	"@nightjar.case:0":                                       func(l *oracle.Signal) bool { return l.Case == 0 },
	"@nightjar.case:<0 OR @nightjar.events:1":                func(l *oracle.Signal) bool { return l.Case < 0 || l.Events == 1 },
	"@nightjar.events:>2":                                    func(l *oracle.Signal) bool { return l.Events > 2 },
	"@workflow.rule.name:generated -@nightjar.case:0":        func(l *oracle.Signal) bool { return l.Case != 0 },
	"@nightjar.first_seen:>=1700000600000":                   func(l *oracle.Signal) bool { return l.First >= 1_700_000_600_000 },
	"@nightjar.group:(u1 OR dev) -@nightjar.events:[2 TO 3]": func(l *oracle.Signal) bool { return is(l, "u1", "dev") && (l.Events < 2 || l.Events > 3) },
	"@usr.id:u1":  func(l *oracle.Signal) bool { return is(l, "u1") },
	"-@usr.id:u1": func(l *oracle.Signal) bool { return !is(l, "u1") },
}

// is reports whether one of the group's values is among these.
func is(l *oracle.Signal, values ...string) bool {
	return slices.ContainsFunc(l.Group, func(v string) bool { return slices.Contains(values, v) })
}

// byUser reports whether all signals of the rule name the user in their group.
func byUser(rule schema.Rule) bool {
	if rule.Options.ThirdParty != nil {
		rule.Queries = oracle.RootQueries(rule)
	}
	return slices.Contains(rule.Queries[0].GroupByFields, "@usr.id") &&
		!slices.ContainsFunc(rule.Queries, func(q schema.RuleQuery) bool {
			return len(q.GroupByFields) > 0 && !slices.Contains(q.GroupByFields, "@usr.id") || len(q.GroupByFields) == 0 && rule.Options.ThirdParty != nil
		}) &&
		(len(rule.GroupSignalsBy) == 0 || slices.Contains(rule.GroupSignalsBy, "@usr.id"))
}
