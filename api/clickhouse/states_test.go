package clickhouse_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/facets"
	"nightjar/api/services/signals"
	"nightjar/compiler/search"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// randomSignals writes versions of signals, whose attributes have all forms.
func randomSignals(t *testing.T, conn driver.Conn, r *rand.Rand, n int) {
	t.Helper()
	var rows []string
	for range n {
		id := r.IntN(60)
		state := pick(r, "open", "under_review", "archived")
		reason := ""
		if state == "archived" {
			reason = pick(r, "false_positive", "merged", "suppressed", "")
		}
		user := pick(r, `"usr.id":"u1"`, `"usr.id":"u2"`, `"usr.id%many":["u1","u3","u1"]`, `"usr.id":"5"`, `"other":1`)
		container := pick(r, `"container.id":"c1"`, `"container.id":7`, `"container.id":[7,8]`, `"container.id":["c1","c2"]`,
			`"container.id":["c1","5"],"container.id%mixed":["sc1","i5"]`, `"container.id":true`, `"container.id":1.5`, `"container.id.below":"x"`)
		assigned := pick(r, `"workflow.triage.assignee.name":"Ann"`, `"workflow.triage.assignee.handle":"ann"`, `"x":"Ann"`)
		assigned += pick(r, `,"workflow.triage.assignee.id":-1`, `,"workflow.triage.assignee.id":7`, "")
		group := pick(r, `"nightjar.group":"u1"`, `"nightjar.group%many":["u1","web1"]`, `"nightjar.group":5`, `"y":1`)
		attributes := fmt.Sprintf(`{"title":%q,"nightjar.state":%q,"nightjar.reason":%q,"workflow.rule.id":"r%d","workflow.rule.name":"Rule %[4]d",%s,%s,%s,%s}`,
			pick(r, "SSH brute force", "Password spraying", ""), state, reason, id%3, user, container, assigned, group)
		raw := pick(r, "", "{}", `{"title":"Say \\"o\\" \\u00e9","samples":[{"title":1}],"nightjar":{"group":["u1",5,null],"events":3,"share":0.25},"workflow":{"triage":{"version":2}}}`, `{"nightjar":{},"source":"a","x":[1,2]}`)
		moment := func(most int) string {
			return fmt.Sprintf("fromUnixTimestamp64Milli(%d)", begin+schema.Millis(r.IntN(most)))
		}
		rule := fmt.Sprintf("'r%d'", id%3)
		words := "'" + strings.Join([]string{state, reason, pick(r, "sshd", "nginx", ""), pick(r, "web1", "web2", ""), pick(r, "info", "low", "high", "critical"),
			pick(r, "Ten failures from one address", "A word more", "")}, "', '") + "'"
		tags := pick(r, "'env:prod', 'host:web3'", "'tactic:TA1', 'tactic:TA2', 'service:api'", `'severity:high', 'technique:T1', 'source:"q" é'`, "")
		rows = append(rows, fmt.Sprintf("('id%d', %d, %d, %s, %s, %d, %s, %s, %d, %s, [%s], '%s', '%s', '%s')",
			id, 1+r.IntN(1_000_000), id%7, rule, rule, id, moment(5000), moment(9000), r.IntN(9), words, tags, pick(r, "ann", ""), attributes, raw))
	}
	sql := "INSERT INTO signals (id, version, key, rule_key, rule_id, opened, timestamp, last_seen, events, state, reason, source, host, status, message, tags, assignee, attributes, raw) VALUES "
	if err := conn.Exec(t.Context(), sql+strings.Join(rows, ", ")); err != nil {
		t.Fatal(err)
	}
}

// stateTerms are searches that the states answer, and those that they don't.
var stateTerms = []string{
	"*", "state:open", "state:(open OR under_review)", "-state:archived", "state:merged", "reason:false_positive", "severity:high", "status:(low OR info)",
	"@usr.id:u1", "@usr.id:u*", "-@usr.id:u3", "@usr.id:5", `@usr.id:"5"`, "@container.id:c1", "@container.id:7", "@container.id:5", `@container.id:"7"`, "@container.id:true", "@container.id:1.5",
	"@container.id:(c1 OR c2)", "@container.id:?", "-@container.id:1.50", "host:web1", "host:web3", "source:sshd", "source:n*", "failures", "force", `"one address"`, "tactic:TA1", "env:prod",
	"rule_id:r1", "rule_name:Rule*", "@workflow.rule.id:r2", "assignee:ann", "assignee:Ann", "title:SSH*", "@title:\"Password spraying\"", "-source:*", "tactic:*",
	"@nightjar.group:u1", "@nightjar.group:5", "@workflow.triage.assignee.id:-1", "-@workflow.triage.assignee.id:7", "service:api", "technique:T1",
	"@container.id:*", "@container.id:>6", "@other:1", "*:c1", "@usr.id:[4 TO 6]",
}

func randomQuery(r *rand.Rand) string {
	query := pick(r, stateTerms...)
	for range r.IntN(3) {
		query = "(" + query + ")" + pick(r, " AND ", " OR ", " AND -", " OR -") + "(" + pick(r, stateTerms...) + ")"
	}
	return query
}

// both are stores that ask states, and that ask signals.
type both struct {
	pages  [2]*adapter.Signals
	counts [2]*adapter.Facets
}

func bothWays(t *testing.T, conn driver.Conn, states *adapter.States) both {
	logs := newShelf(t).logs()
	return both{
		[2]*adapter.Signals{adapter.NewSignals(conn).By(states), adapter.NewSignals(conn)},
		[2]*adapter.Facets{adapter.NewFacets(logs, conn).By(states), adapter.NewFacets(logs, conn)},
	}
}

// agree asks for a page, facets, a histogram and the span of a query.
func (b both) agree(t *testing.T, r *rand.Rand, text string) {
	t.Helper()
	query, err := search.ParseForSignals(text)
	if err != nil {
		t.Fatal(err)
	}
	of := facets.Selection{Query: query, Withdrawn: search.AsksForState(query.Root)}
	asked := signals.Search{Query: text, Limit: 1 + r.IntN(30), Ascending: r.IntN(2) == 0, By: pick(r, signals.ByTime, signals.BySeverity, signals.ByLastSeen, signals.ByEvents)}
	if r.IntN(2) == 0 {
		of.From, of.To = new(begin+1000), new(begin+4000)
		asked.From, asked.To = of.From, of.To
	}
	asked.Brief = r.IntN(2) == 0
	names := []string{
		"severity", "state", "rule_id", "assignee", "@usr.id", "@container.id", "host", "tactic", "rule_name", "title", "tags",
		"source", "service", "technique", "@nightjar.group", "@workflow.triage.assignee.id", "env",
	}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	fields := facetFields(search.SignalField, names[:5]...) // in all, each is asked for with many queries
	bounds := pick(r, []schema.Millis{begin, begin + 1500, begin + 4500, begin + 10_000}, []schema.Millis{begin, begin + 3000, begin + 6000, begin + 9000})
	limit, containing := pick(r, 50, 2), pick(r, "", "u", "API")
	groups := facetFields(search.SignalField, "severity", "state")[:r.IntN(3)] // no others are asked for
	var said [2]string
	for i := range said {
		ids, page := searchSignals(t, b.pages[i], asked)
		counts, err := b.counts[i].Facets(t.Context(), facets.Question{Selection: of, Fields: fields, Limit: limit, Containing: containing})
		if err != nil {
			t.Fatal(err)
		}
		over, err := b.counts[i].Histogram(t.Context(), facets.HistogramQuestion{
			Selection: of, Bounds: bounds, Groups: groups,
		})
		if err != nil {
			t.Fatal(err)
		}
		from, to, err := b.counts[i].Span(t.Context(), of)
		if err != nil {
			t.Fatal(err)
		}
		said[i] = fmt.Sprintf("%s\n%s\nnext %v\nfacets %v\nover time %v\nspan %d %d", ids, documents(t, page), page.Next, counts, over, from, to)
	}
	if said[0] != said[1] {
		t.Errorf("%s, %+v:\nstates say %s\n\nsignals say %s", text, asked, said[0], said[1])
	}
}

// documents are what signals are shown with, in one way of writing JSON.
func documents(t *testing.T, page signals.Page) string {
	t.Helper()
	var all []string
	for _, s := range page.Signals {
		var document any
		if err := json.Unmarshal([]byte(cmp.Or(s.Attributes, "{}")), &document); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(document)
		all = append(all, fmt.Sprint(s.ID, s.At, s.Message, s.Status, s.Service, s.Host, s.Tags, string(text)))
	}
	return strings.Join(all, "\n")
}

// all are how both count all signals by severity.
func (b both) all(t *testing.T) (said [2]string) {
	t.Helper()
	query, err := search.ParseForSignals("*")
	if err != nil {
		t.Fatal(err)
	}
	for i := range said {
		counts, err := b.counts[i].Facets(t.Context(), facets.Question{
			Selection: facets.Selection{Query: query, Withdrawn: true}, Fields: facetFields(search.SignalField, "@usr.id", "status", "message"), Limit: 50,
		})
		if err != nil {
			t.Fatal(err)
		}
		said[i] = fmt.Sprint(counts)
	}
	return said
}

// TestStatesAnswerAsSignalsDo asks both for random filters, of signals that were there
// before the states, that came since, and that were lost and found.
func TestStatesAnswerAsSignalsDo(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, []schema.Table{schema.Signals}); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(24, 13))
	randomSignals(t, conn, r, 100)
	states := adapter.NewStates(conn)
	b := bothWays(t, conn, states)
	b.agree(t, r, "state:open") // they are not there yet
	prepare := func() {
		t.Helper()
		if err := states.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	prepare()
	for _, term := range stateTerms {
		b.agree(t, r, term)
	}
	for range 4 {
		randomSignals(t, conn, r, 40)
		for range 5 {
			b.agree(t, r, randomQuery(r))
		}
	}
	for _, harm := range []string{"TRUNCATE TABLE signal_states", "DROP TABLE signal_states_feed", "INSERT INTO signal_states (id, version) VALUES ('ghost', 1)"} {
		if err := conn.Exec(t.Context(), harm); err != nil {
			t.Fatal(err)
		}
		randomSignals(t, conn, r, 5)
		if all := b.all(t); all[0] == all[1] {
			t.Errorf("%s: states are not asked", harm)
		}
		prepare()
		for range 2 {
			b.agree(t, r, randomQuery(r))
		}
	}
}

// TestStatesHaveWhatWasBeingInserted holds an insert open, which began before the states
// were there to be fed, and ends it while they are made.
func TestStatesHaveWhatWasBeingInserted(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, []schema.Table{schema.Signals}); err != nil {
		t.Fatal(err)
	}
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO signals (id, version, key)")
	if err != nil {
		t.Fatal(err)
	}
	states, made := adapter.NewStates(conn), make(chan error, 1)
	go func() { made <- states.Prepare(t.Context()) }()
	early := false
	select { // a fault would have them made soon
	case err = <-made:
		early = true
	case <-time.After(2 * time.Second):
	}
	if err := errors.Join(err, batch.Append("late", uint64(1), uint64(1)), batch.Send()); err != nil {
		t.Fatal(err)
	}
	if !early {
		if err := <-made; err != nil {
			t.Fatal(err)
		}
	}
	var found uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM signal_states WHERE id = 'late'").Scan(&found); err != nil || found != 1 {
		t.Errorf("%d rows, %v", found, err)
	}
}

// TestStatesAreMadeAfterAFailure has them made where there are no signals yet.
func TestStatesAreMadeAfterAFailure(t *testing.T) {
	conn := testenv.ClickHouse(t)
	states, failures := adapter.NewStates(conn), 0
	ctx, end := context.WithCancel(t.Context())
	defer end()
	states.Keep(ctx, time.Millisecond, func(err error) {
		if err == nil {
			end()
			return
		}
		failures++
		if states.NotReady() == "" {
			t.Error("it says nothing")
		}
		if _, err := migrations.Apply(t.Context(), conn, []schema.Table{schema.Signals}); err != nil {
			t.Error(err)
		}
	})
	if failures != 1 || states.NotReady() != "" {
		t.Errorf("after %d failures: %q", failures, states.NotReady())
	}
}

// TestStatesThatWereNotFedAreFilledAfterADoubt stores a signal that the table is not fed
// with, as a server does that dies between the two: the table is not asked from the doubt
// on until it has the signal.
func TestStatesThatWereNotFedAreFilledAfterADoubt(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, []schema.Table{schema.Signals}); err != nil {
		t.Fatal(err)
	}
	states, told := adapter.NewStates(conn), make(chan error)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		states.Keep(ctx, time.Millisecond, func(err error) { told <- err })
	}()
	defer func() { end(); <-ended }()
	if err := <-told; err != nil || states.NotReady() != "" {
		t.Fatalf("%v, %q", err, states.NotReady())
	}
	for _, sql := range []string{
		"DETACH TABLE signal_states_feed", "INSERT INTO signals (id, version, key) VALUES ('unfed', 1, 1)", "ATTACH TABLE signal_states_feed",
	} {
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	made := func() (table string) {
		if err := conn.QueryRow(t.Context(), "SELECT toString(uuid) FROM system.tables WHERE database = currentDatabase() AND name = 'signal_states'").Scan(&table); err != nil {
			t.Fatal(err)
		}
		return table
	}
	before := made()
	states.Doubt()
	if states.NotReady() == "" {
		t.Error("it is asked although it is doubted")
	}
	if err := <-told; err != nil || states.NotReady() != "" {
		t.Fatalf("after the doubt: %v, %q", err, states.NotReady())
	}
	var found uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM signal_states WHERE id = 'unfed'").Scan(&found); err != nil || found != 1 {
		t.Errorf("%d rows, %v", found, err)
	}
	if made() != before {
		t.Error("the table was made anew, under whoever reads it")
	}
	if err := conn.Exec(t.Context(), "DELETE FROM signals WHERE id = 'unfed'"); err != nil {
		t.Fatal(err)
	}
	states.Doubt()
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM signal_states WHERE id = 'unfed'").Scan(&found); err != nil || found != 0 {
		t.Errorf("%d rows of a signal that is gone, %v", found, err)
	}
}

// TestStatesAreNotFilledWhileSignalsAreDeleted holds them, as who deletes signals does.
func TestStatesAreNotFilledWhileSignalsAreDeleted(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, []schema.Table{schema.Signals}); err != nil {
		t.Fatal(err)
	}
	states, made := adapter.NewStates(conn), make(chan error, 1)
	release, err := states.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() { made <- states.Prepare(t.Context()) }()
	select { // a fault would have them made soon
	case err := <-made:
		t.Errorf("they were filled: %v", err)
	case <-time.After(time.Second):
	}
	release()
	if err := <-made; err != nil || states.NotReady() != "" {
		t.Errorf("%v, %q", err, states.NotReady())
	}
}
