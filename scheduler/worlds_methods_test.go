package scheduler

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

// This file makes rules of the methods in which events match by themselves, and
// suppressions.

// places are coordinates as events carry them: of cities, by numbers or as text,
// and such as no place has.
var places = []string{
	`"latitude":48.85,"longitude":2.35,"city":"Paris","country":"FR"`,
	`"latitude":40.71,"longitude":-74.0,"city":"New York","country":"US"`,
	`"latitude":"40.71","longitude":"-7.4e1","city":"New York","country":"US"`,
	`"latitude":52.52,"longitude":13.4,"city":"Berlin","country":"DE"`,
	`"latitude":48.8,"longitude":2.1,"city":"Versailles","country":"FR"`,
	`"latitude":38.04,"longitude":-84.7,"city":"Versailles","country":"US"`,
	`"latitude":51.0,"longitude":9.0,"country":"DE"`,
	`"latitude":37.75,"longitude":-97.8,"city":"Nowhere"`,
	`"latitude":0,"longitude":0,"city":"","country":"US"`,
	`"latitude":"0.0","longitude":"0","city":"Paris","country":"FR"`,
	`"latitude":0,"longitude":6.6,"city":"Gulf","country":"ST"`,
	`"latitude":948.85,"longitude":2.35,"city":"Paris","country":"FR"`,
	`"latitude":40.71,"longitude":-180.5,"city":"New York","country":"US"`,
	`"latitude":"north","longitude":2.35,"city":"Paris","country":"FR"`,
	`"latitude":90,"longitude":180,"city":"Pole","country":"NO"`,
}

// days spreads events over days, with ties, and says where some happened, and
// from which address.
func (w worlds) days(events []schema.Event) []schema.Event {
	few := 2 + w.IntN(len(places)-2)
	first := w.IntN(len(places))
	for i := range events {
		e := &events[i]
		e.At = schema.Millis(1_700_000_000_000 + w.Int64N(160)*6*3_600_000/4 + []int64{0, 0, 1, 1_800_000}[w.IntN(4)])
		e.Seen = e.At
		if w.chance(5) {
			continue
		}
		place, address := places[(first+w.IntN(few))%len(places)], ""
		if !w.chance(3) {
			address = `"ip":"` + w.pick("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4") + `",`
		}
		text := e.JSON[:len(e.JSON)-1]
		if len(text) > 1 {
			text += ","
		}
		e.Attributes = must(schema.ParseAttributes(text + `"network":{"client":{` + address + `"geoip":{` + place + `}}}}`))
	}
	return events
}

// newsRule is a rule about new values, or about travel.
func (w worlds) newsRule() schema.Rule {
	rule := w.rule()
	for rule.Options.DetectionMethod != "" || len(rule.Queries[0].GroupByFields) == 0 {
		rule = w.rule()
	}
	zero, yes := int64(0), w.IntN(2) == 0
	rule.Options.EvaluationWindow = &zero
	rule.Cases = []schema.RuleCase{{Status: "low"}}
	rule.Queries = rule.Queries[:1]
	q := &rule.Queries[0]
	q.DistinctFields = nil
	if w.IntN(3) == 0 {
		rule.Options.DetectionMethod, q.Aggregation, q.Metrics = "impossible_travel", "geo_data", []string{"@network.client.geoip"}
		rule.Options.ImpossibleTravel = &schema.TravelOptions{BaselineUserLocations: &yes}
		return rule
	}
	rule.Options.DetectionMethod, q.Aggregation = "new_value", "new_value"
	q.Metrics = [][]string{{"host"}, {"@bytes"}, {"@roles"}, {"host", "@roles"}}[w.IntN(4)]
	days, first, forget := int64(w.IntN(4)), int64(w.IntN(4)), int64(1+w.IntN(4))
	rule.Options.NewValue = &schema.NewValueOptions{
		ForgetAfter: &forget, LearningDuration: &days, LearningThreshold: &first, LearningMethod: w.pick("duration", "threshold"),
	}
	if w.IntN(3) == 0 {
		rule.Options.KeepAlive = &zero
	}
	if w.IntN(4) == 0 {
		rule.Queries = append(rule.Queries, rule.Queries[0])
		rule.Queries[0].Name, rule.Queries[1].Name = "a", "b"
		rule.Queries[1].Query = w.pick("source:x", "service:db")
		rule.Queries[1].GroupByFields = rule.Queries[0].GroupByFields
	}
	return rule
}

// alertRule is a third-party rule.
func (w worlds) alertRule() schema.Rule {
	window, longest := []int64{0, 60}[w.IntN(2)], int64(300)
	rule := schema.Rule{Name: "generated", IsEnabled: true, Type: "log_detection", Options: schema.RuleOptions{
		DetectionMethod: "third_party", EvaluationWindow: &window, KeepAlive: &window, MaxSignalDuration: &longest, // they play no part
		ThirdParty: &schema.ThirdPartyOptions{DefaultStatus: schema.Severity(w.pick("info", "medium"))},
	}}
	query := func() string {
		return w.pick("*", "source:x", "@roles:admin", "@bytes:>0", "service:web -@usr.id:u3", "host:h1")
	}
	for range 1 + w.IntN(2) {
		rule.Options.ThirdParty.RootQueries = append(rule.Options.ThirdParty.RootQueries, schema.RootQuery{
			Query: query(), GroupByFields: [][]string{{"@usr.id"}, {"@roles"}, {"@usr.id", "host"}, {"service"}, {}}[w.IntN(5)],
		})
	}
	paired := w.IntN(3) == 0
	for i := range w.IntN(4) {
		name, status := fmt.Sprint("g", i), w.pick("low", "high", "critical")
		if paired {
			rule.Queries = append(rule.Queries, schema.RuleQuery{Query: query()})
			rule.Cases = append(rule.Cases, schema.RuleCase{Name: name, Status: schema.Severity(status)})
		} else {
			rule.ThirdPartyCases = append(rule.ThirdPartyCases, schema.ThirdPartyCase{Name: name, Status: schema.Severity(status), Query: query()})
		}
	}
	if w.IntN(4) == 0 {
		rule.Filters = []schema.RuleFilter{{Action: w.pick("suppress", "require"), Query: w.pick("service:web", "@bytes:*")}}
	}
	return rule
}

// suppressions are some for a generated rule. They often begin and end at the
// very moment of an event.
func (w worlds) suppressions(rule schema.Rule, events []schema.Event) []schema.Suppression {
	var out []schema.Suppression
	for i := range 1 + w.IntN(3) {
		p := schema.Suppression{ID: fmt.Sprint("sup-", i), Version: 1, Name: "s", Enabled: w.IntN(8) > 0, RuleQuery: key(w, ruleQueries)}
		if w.IntN(3) == 0 {
			p.DataExclusionQuery = w.pick("host:h1", "@roles:dev", "service:db", "@bytes:>1")
		}
		if p.DataExclusionQuery == "" || w.IntN(4) == 0 {
			p.SuppressionQuery = key(w, signalQueries)
			if strings.Contains(p.SuppressionQuery, "@usr.id") && !byUser(rule) {
				p.SuppressionQuery = "@nightjar.events:>2"
			}
		}
		at, until := events[w.IntN(len(events))].At, events[w.IntN(len(events))].At
		if at > until {
			at, until = until, at
		}
		until++
		switch w.IntN(4) {
		case 0:
			p.StartDate = &at
		case 1:
			p.ExpirationDate = &at
		case 2:
			p.StartDate, p.ExpirationDate = &at, &until
		}
		out = append(out, p)
	}
	return out
}

// tables gives the rule checks of tables, now and then, and lets events arrive
// before and after those changed.
func (w worlds) tables(rule *schema.Rule, events []schema.Event) changing {
	for i := range events {
		if w.IntN(3) == 0 {
			events[i].Seen += schema.Millis(w.IntN(20)) * 60_000
		}
	}
	changed := events[w.IntN(len(events))].Seen
	w.expect(rule)
	if w.IntN(2) == 0 {
		return changing{changed}
	}
	for range 1 + w.IntN(2) {
		name := w.pick("names", "networks", "starts", "looks")
		rule.ReferenceTables = append(rule.ReferenceTables, schema.ReferenceTable{
			TableName: name, ColumnName: name, CheckPresence: w.IntN(2) == 0, RuleQueryName: w.pick("", "a"),
			LogFieldPath: w.pick("@ip", "@ip", "@usr.id", "@roles", "@bytes", "host", "source"),
		})
	}
	return changing{changed}
}

// expect lets a table list the groups of a rule, now and then, where it may. It
// stays as it is: live evaluation has judged by what was listed then, where a
// replay knows only what is listed in the end.
func (w worlds) expect(rule *schema.Rule) {
	of := func(q schema.RuleQuery) bool { return len(q.GroupByFields) == 1 }
	if rule.Options.DetectionMethod != "" || *rule.Options.EvaluationWindow == 0 || !slices.ContainsFunc(rule.Queries, of) || strings.Contains(strings.ToLower(rule.Cases[0].Condition), "then") || !w.chance(3) {
		return
	}
	rule.Cases[len(rule.Cases)-1].Condition = "a < 1"
	rule.Options.ExpectedGroups = &schema.ExpectedGroups{Table: "roster", Column: "roster"}
}
