package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// question is a search, and what somebody who knows the data would write for it
// by hand.
type question struct {
	query, hand string
	days        int   // of the last ones; 0: all
	frame       frame // of both statements
}

// frame is what is asked of the events that match.
type frame string

const (
	total  frame = "SELECT count() FROM events WHERE %s"
	latest frame = "SELECT timestamp, seq, source, message FROM events WHERE %s ORDER BY timestamp DESC, seq DESC LIMIT 50"
	byHost frame = "SELECT host, count() AS n FROM events WHERE %s GROUP BY host ORDER BY n DESC LIMIT 10"
	perDay frame = "SELECT toDate(timestamp) AS day, count() FROM events WHERE %s GROUP BY day ORDER BY day"
)

// Subcolumns as they are written by hand.
const (
	text    = ".:String"
	integer = ".:Int64"
	double  = ".:Float64"
	texts   = ".:`Array(Nullable(String))`"
	ints    = ".:`Array(Nullable(Int64))`"
)

var questions = []question{
	{`source:cloudtrail @evt.name:StopLogging`, "source = 'cloudtrail' AND attributes.evt.name = 'StopLogging'", 0, total},
	{`source:cloudtrail @evt.name:(DeleteTrail OR StopLogging OR UpdateTrail)`,
		"source = 'cloudtrail' AND attributes.evt.name IN ('DeleteTrail', 'StopLogging', 'UpdateTrail')", 0, latest},
	{`source:cloudtrail @eventSource:iam.amazonaws.com @evt.name:(CreateUser OR AttachRolePolicy) -@level:Error`,
		"source = 'cloudtrail' AND attributes.eventSource" + text + " = 'iam.amazonaws.com' AND attributes.evt.name IN ('CreateUser', 'AttachRolePolicy') AND attributes.level" + text + " IS DISTINCT FROM 'Error'", 0, total},
	{`source:cloudtrail @error.kind:AccessDenied -@userIdentity.arn:*DatadogIntegrationRole*`,
		"source = 'cloudtrail' AND attributes.error.kind" + text + " = 'AccessDenied' AND NOT ifNull(attributes.userIdentity.arn" + text + " LIKE '%DatadogIntegrationRole%', false)", 0, byHost},
	{`source:cloudtrail @userIdentity.accessKeyId:AKIA* @evt.name:CreateAccessKey`,
		"source = 'cloudtrail' AND attributes.evt.name = 'CreateAccessKey' AND startsWith(assumeNotNull(attributes.userIdentity.accessKeyId" + text + "), 'AKIA')", 0, latest},
	{`source:cloudtrail @evt.name:ConsoleLogin @userIdentity.sessionContext.attributes.mfaAuthenticated:false`,
		"source = 'cloudtrail' AND attributes.evt.name = 'ConsoleLogin' AND attributes.userIdentity.sessionContext.attributes.mfaAuthenticated" + text + " = 'false'", 0, perDay},
	{`source:cloudtrail @requestParameters.ipPermissions.items.cidrIp:"0.0.0.0/0"`,
		"source = 'cloudtrail' AND has(attributes.requestParameters.ipPermissions.items.cidrIp" + texts + ", '0.0.0.0/0')", 0, total},
	{`source:cloudtrail @requestParameters.ipPermissions.items.fromPort:(22 OR 3389)`,
		"source = 'cloudtrail' AND hasAny(attributes.requestParameters.ipPermissions.items.fromPort" + ints + ", [22, 3389])", 0, total},
	{`source:cloudtrail @resources.ARN:*bucket-77`,
		"source = 'cloudtrail' AND arrayExists(x -> endsWith(assumeNotNull(x), 'bucket-77'), attributes.resources.ARN" + texts + ")", 7, total},
	{`source:sshd ("Failed password" OR "Failed publickey")`,
		"source = 'sshd' AND (hasAllTokens(lower(message), ['failed', 'password']) OR hasAllTokens(lower(message), ['failed', 'publickey'])) AND multiSearchAnyCaseInsensitive(message, ['Failed password', 'Failed publickey'])", 0, total},
	{`source:sshd @evt.outcome:failure @usr.name:root`,
		"source = 'sshd' AND attributes.evt.outcome = 'failure' AND attributes.usr.name = 'root'", 0, byHost},
	{`source:sshd CIDR(@network.client.ip, 10.3.0.0/16)`,
		"source = 'sshd' AND isIPAddressInRange(ifNull(attributes.network.client.ip, '::'), '10.3.0.0/16')", 7, total},
	{`@network.client.ip:10.1.29.49`, "attributes.network.client.ip = '10.1.29.49'", 0, latest},
	{`@usr.name:user4712`, "attributes.usr.name = 'user4712'", 0, latest},
	{`source:nginx @http.status_code:[500 TO 599]`,
		"source = 'nginx' AND attributes.http.status_code" + integer + " BETWEEN 500 AND 599", 0, perDay},
	{`source:nginx @http.status_code:(401 OR 403) @http.method:POST`,
		"source = 'nginx' AND attributes.http.status_code" + integer + " IN (401, 403) AND attributes.http.method = 'POST'", 7, byHost},
	{`source:nginx @http.useragent:*sqlmap*`, "source = 'nginx' AND attributes.http.useragent LIKE '%sqlmap%'", 0, total},
	{`source:nginx @http.url_details.path:(*etc\/passwd* OR *\/.env OR *wp-login*)`,
		"source = 'nginx' AND multiSearchAny(assumeNotNull(attributes.http.url_details.path" + text + "), ['etc/passwd', '/.env', 'wp-login'])", 0, total},
	{`source:nginx @duration:>0.5 -@http.useragent:kube-probe*`,
		"source = 'nginx' AND attributes.duration" + double + " > 0.5 AND NOT startsWith(assumeNotNull(attributes.http.useragent), 'kube-probe')", 7, total},
	{`service:payments status:error`, "service = 'payments' AND status = 'error'", 0, perDay},
	{`service:payments "connection refused" -@error.kind:*SocketTimeout*`,
		"service = 'payments' AND hasAllTokens(lower(message), ['connection', 'refused']) AND positionCaseInsensitive(message, 'connection refused') > 0 AND NOT ifNull(attributes.error.kind" + text + " LIKE '%SocketTimeout%', false)", 0, latest},
	{`4711`, "hasToken(lower(message), '4711')", 0, latest},
	{`source:java "refused after" @duration:>1900`,
		"source = 'java' AND hasAllTokens(lower(message), ['refused', 'after']) AND positionCaseInsensitive(message, 'refused after') > 0 AND (attributes.duration" + integer + " > 1900 OR attributes.duration" + double + " > 1900)", 0, total},
	{`@customer.id:47110`, "(attributes.customer.id" + integer + " = 47110 OR attributes.customer.id" + text + " = '47110')", 0, latest},
	{`source:windows.events @Event.System.EventID:4688 @Event.EventData.Data.CommandLine:(*EncodedCommand* OR *vssadmin*)`,
		"source = 'windows.events' AND attributes.Event.System.EventID" + integer + " = 4688 AND multiSearchAny(assumeNotNull(attributes.Event.EventData.Data.CommandLine" + text + "), ['EncodedCommand', 'vssadmin'])", 0, latest},
	{`source:windows.events @evt.id:4625 @Event.EventData.Data.LogonType:(3 OR 10)`,
		"source = 'windows.events' AND attributes.evt.id" + text + " = '4625' AND attributes.Event.EventData.Data.LogonType" + integer + " IN (3, 10)", 7, total},
	{`source:okta @evt.outcome:(FAILURE OR DENY) -@network.client.geoip.country.iso_code:(US OR DE OR GB)`,
		"source = 'okta' AND attributes.evt.outcome IN ('FAILURE', 'DENY') AND ifNull(attributes.network.client.geoip.country.iso_code" + text + " NOT IN ('US', 'DE', 'GB'), true)", 0, total},
	{`source:okta @securityContext.isProxy:true @target.displayName:GitHub`,
		"source = 'okta' AND attributes.securityContext.isProxy.:Bool AND has(attributes.target.displayName" + texts + ", 'GitHub')", 0, total},
	{`source:kubernetes.audit @objectRef.resource:secrets @http.method:(get OR list) -@usr.id:system\:*`,
		"source = 'kubernetes.audit' AND attributes.objectRef.resource" + text + " = 'secrets' AND attributes.http.method IN ('get', 'list') AND NOT startsWith(ifNull(attributes.usr.id, ''), 'system:')", 0, byHost},
	{`env:staging _exists_:@error.stack`, "has(tags, 'env:staging') AND attributes.error.stack" + text + " IS NOT NULL", 0, total},
}

// within is the part about time, the same in both.
func (q question) within() string {
	if q.days == 0 {
		return ""
	}
	from := firstDay.Add(time.Duration(*flagDays-q.days) * 24 * time.Hour)
	return fmt.Sprintf("timestamp >= fromUnixTimestamp64Milli(%d, 'UTC') AND ", from.UnixMilli())
}

func (q question) byHand() string { return fmt.Sprintf(string(q.frame), q.within()+q.hand) }

func (q question) ours(t *testing.T, shapes func(string) schema.Shapes) (string, map[string]string) {
	t.Helper()
	parsed, err := search.Parse(q.query)
	if err != nil {
		t.Fatalf("%s: %v", q.query, err)
	}
	p := &search.Params{Shapes: shapes}
	sql, err := parsed.SQL(p)
	if err != nil {
		t.Fatalf("%s: %v", q.query, err)
	}
	return fmt.Sprintf(string(q.frame), q.within()+sql), p.Map()
}

// The bounds of the ratio of CPU time.
const (
	medianBound = 1.1
	worstBound  = 1.5
)

// TestSearchesAnswerAsByHand runs the SQL of each search and what was written
// by hand in turn. Both must find the same; with -repeats, what ours costs is
// compared too.
func TestSearchesAnswerAsByHand(t *testing.T) {
	if len(questions) != 30 {
		t.Fatalf("%d questions", len(questions))
	}
	w := newWorld(t, *flagEvents)
	var ratios []float64
	all := 0.0
	report := strings.Builder{}
	fmt.Fprintf(&report, "%9s %9s %6s %9s %9s %6s %9s  query\n", "ours ms", "hand ms", "ratio", "wall", "wall", "ratio", "matches")
	for _, q := range questions {
		if !strings.Contains(q.query, *flagQuery) {
			continue
		}
		ours, params := q.ours(t, w.sink.Catalogue().Shapes)
		hand := q.byHand()
		found := w.sameRows(t, q, ours, hand, params)
		var a, b series
		for range *flagRepeats {
			c, _ := w.run(t, ours, params)
			a.add(c)
			c, _ = w.run(t, hand, nil)
			b.add(c)
		}
		ratio := median(a.cpu) / median(b.cpu)
		ratios = append(ratios, ratio)
		all += median(a.cpu)
		fmt.Fprintf(&report, "%9.1f %9.1f %6.2f %9.1f %9.1f %6.2f %9d  %s\n", median(a.cpu), median(b.cpu), ratio,
			median(a.wall), median(b.wall), median(a.wall)/median(b.wall), found, q.query)
		if *flagQuery != "" {
			t.Logf("ours: %s\n%q\nhand: %s", ours, params, hand)
		}
	}
	worst := 0.0
	for _, r := range ratios {
		worst = max(worst, r)
	}
	t.Logf("CPU and wall time of a statement, median of %d, one thread:\n%sours together %.0f ms; ratio: median %.2f, worst %.2f", *flagRepeats, report.String(), all, median(ratios), worst)
	if *flagRepeats > 1 && *flagQuery == "" && (median(ratios) > medianBound || worst > worstBound) {
		t.Errorf("median %.2f (at most %.2f), worst %.2f (at most %.2f)", median(ratios), medianBound, worst, worstBound)
	}
}

type series struct{ cpu, wall []float64 }

func (s *series) add(c cost) { s.cpu, s.wall = append(s.cpu, c.cpu), append(s.wall, c.wall) }

// sameRows holds that both find the same events.
func (w *world) sameRows(t *testing.T, q question, ours, hand string, params map[string]string) (found uint64) {
	t.Helper()
	var n, m, x, y uint64
	w.ask(t, whereOf(q, ours), params, &n, &x)
	w.ask(t, whereOf(q, hand), nil, &m, &y)
	if n != m || x != y {
		t.Errorf("%s: ours finds %d events, by hand it is %d, or others\n%s\n%s", q.query, n, m, ours, hand)
	}
	if n == 0 && *flagEvents >= 1_000_000 {
		t.Errorf("%s: nothing matches, which says nothing", q.query)
	}
	return n
}

// whereOf asks for the matches of a statement in a frame.
func whereOf(q question, sql string) string {
	before, after, _ := strings.Cut(string(q.frame), "%s")
	return "SELECT count(), groupBitXor(sipHash64(seq)) FROM events WHERE " + strings.TrimSuffix(strings.TrimPrefix(sql, before), after)
}
