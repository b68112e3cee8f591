package ingest

import (
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// An objectShape tells the objects of a source from all others by their members. The mark is
// a member that its objects have and hardly any others: an event without any mark is
// looked at no further, and is read without a tree. What the mark alone does not tell,
// further members and the check do.
type objectShape struct {
	source string
	// named, when there is one, is the source of an event of which the shape tells the
	// kind only; empty: it has not that shape.
	named func(*members) string
	mark  string
	has   []string // members that must be there, too; a|b: one of them
	check func(*members) bool
	// ownSource says that these objects have a member `source` that does not name what
	// wrote them.
	ownSource bool
}

// objectShapes are asked in this order, and the first counts. Of sources whose objects
// travel in those of others, the inner come first.
var objectShapes = []objectShape{
	{source: "cloudtrail", mark: "eventVersion", has: []string{"eventName", "awsRegion|eventTime"}, check: func(m *members) bool {
		return !strings.Contains(m.text("eventSource"), ":") && m.text("eventSource") != "" // aws:s3 is that of what S3 notifies of
	}},
	{source: "cloudtrail", mark: "CloudTrailEvent"},
	{source: "kubernetes.audit", mark: "auditID", has: []string{"verb", "requestURI|stage"}},
	{source: "kubernetes.audit", mark: "kind", has: []string{"verb", "objectRef|requestURI", "user"}, check: kind("Event")},
	{source: "guardduty", mark: "detail-type", check: is("detail-type", "GuardDuty Finding"), ownSource: true},
	{source: "cloudtrail", mark: "detail-type", has: []string{"detail"}, check: func(m *members) bool { return m.value("detail").Get("eventVersion") != nil }, ownSource: true},
	{source: "okta", mark: "detail-type", has: []string{"detail"}, check: func(m *members) bool {
		return strings.HasPrefix(m.text("source"), "aws.partner/okta.com")
	}, ownSource: true},
	{source: "guardduty", mark: "schemaVersion", has: []string{"accountId|AccountId", "type|Type"}, check: func(m *members) bool { return m.value("service").Get("detectorId") != nil }},
	{source: "waf", mark: "webaclId", has: []string{"httpRequest", "action"}},
	{source: "okta", mark: "legacyEventType", has: []string{"eventType", "actor"}},
	{source: "okta", mark: "debugContext", has: []string{"eventType", "actor", "published"}},
	{source: "github", mark: "_document_id", has: []string{"action", "actor|actor_id"}},
	{source: "github", mark: "actor_location", has: []string{"action", "actor|actor_id"}},
	{named: gcpSource, mark: "protoPayload", check: func(m *members) bool {
		return strings.HasSuffix(string(m.value("protoPayload").GetStringBytes("@type")), "google.cloud.audit.AuditLog") || strings.Contains(m.text("logName"), "cloudaudit.googleapis.com")
	}},
	{named: gcpSource, mark: "logName", has: []string{"insertId", "resource"}},
	{named: pushedSource, mark: "subscription", has: []string{"data", "messageId|message_id"}},
	{source: "gitlab", mark: "entity_path", has: []string{"author_id", "entity_type"}},
	{source: "verified-access", mark: "class_name", has: []string{"activity|activity_name", "http_request"}, check: is("class_name", "Access Activity")},
	{source: "vpc", mark: "srcaddr", has: []string{"dstaddr"}},
	{source: "vpc", mark: "pkt-srcaddr"},
	{source: "gsuite", mark: "kind", has: []string{"id", "actor"}, check: kind("admin#reports#activity")},
	{source: "azure.activedirectory", mark: "operationName", has: []string{"category", "properties"}, check: func(m *members) bool {
		return strings.HasSuffix(m.text("category"), "SignInLogs") || m.text("category") == "AuditLogs"
	}},
	{source: "azure.activedirectory", mark: "conditionalAccessStatus", has: []string{"userPrincipalName", "appDisplayName"}},
	{named: azureSource, mark: "operationName", has: []string{"resourceId|resourceUri", "category|authorization"}},
	{source: "microsoft-365", mark: "RecordType", has: []string{"Operation", "Workload|OrganizationId", "CreationTime"}},
	{source: "falco", mark: "output_fields", has: []string{"rule", "priority"}, ownSource: true},
	{source: "tetragon", mark: "process_exec", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_exit", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_connect", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_accept", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_close", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_listen", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_loader", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_kprobe", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_tracepoint", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_uprobe", has: []string{"node_name|time"}},
	{source: "tetragon", mark: "process_lsm", has: []string{"node_name|time"}},
	{source: "iis", mark: "cs-method", has: []string{"c-ip|sc-status"}},
	{source: "osquery", mark: "hostIdentifier", has: []string{"name", "calendarTime|unixTime", "columns|snapshot|diffResults"}},
	{source: windowsEvents, mark: "winlog", check: func(m *members) bool { return m.value("winlog").Get("channel") != nil }},
	{source: windowsEvents, mark: "Channel", has: []string{"EventID|EventId", "Computer|Hostname|ProviderName|SourceName"}},
	{source: windowsEvents, mark: "channel", has: []string{"event_id", "provider|computer"}},
	{source: "sysmon", mark: "SyslogMessage", check: func(m *members) bool { return strings.Contains(m.text("SyslogMessage"), "Linux-Sysmon") }},
	{named: programSource, mark: "SYSLOG_IDENTIFIER", has: []string{"MESSAGE|message"}},
	{source: windowsEvents, mark: "log_name", has: []string{"event_id", "computer_name|source_name"}},
}

// marks are the marks of all shapes.
var marks = func() map[string]bool {
	out := map[string]bool{}
	for _, s := range objectShapes {
		out[s.mark] = true
	}
	return out
}()

// shapeIn is the shape that an event with these members has; nil: none.
func shapeIn(pairs []schema.Pair, of named) *objectShape {
	marked := false
	for _, p := range pairs {
		if marks[p.Key] {
			marked = true
			break
		}
	}
	if !marked {
		return nil
	}
	m := &members{pairs, of}
	for i := range objectShapes {
		s := &objectShapes[i]
		if !s.of(m) {
			continue
		}
		if s.named == nil {
			return s
		}
		if source := s.named(m); source != "" {
			return &objectShape{source: source, ownSource: s.ownSource}
		}
	}
	return nil
}

func (s *objectShape) of(m *members) bool {
	if m.value(s.mark) == nil {
		return false
	}
	for _, names := range s.has {
		found := false
		for name := range strings.SplitSeq(names, "|") {
			found = found || m.value(name) != nil
		}
		if !found {
			return false
		}
	}
	return s.check == nil || s.check(m)
}

// members are those of an event, whether a field is read from them or not.
// It is a copy, so that drafts are not allocated on the heap.
type members struct {
	pairs []schema.Pair
	named named
}

// value is a member's; nil: there is none.
func (m *members) value(key string) *fastjson.Value {
	for i := len(m.pairs) - 1; i >= 0; i-- {
		if m.pairs[i].Key == key {
			return m.pairs[i].Value
		}
	}
	if s := slotOf([]byte(key)); s >= 0 && own[s] {
		return m.named[s].v
	}
	return nil
}

func (m *members) text(key string) string { return string(m.value(key).GetStringBytes()) }

func is(key, text string) func(*members) bool {
	return func(m *members) bool { return m.text(key) == text }
}

func kind(text string) func(*members) bool { return is("kind", text) }

// programSource is the source of an entry of systemd's journal, which its program tells.
func programSource(m *members) string { return SourceOf(m.text("SYSLOG_IDENTIFIER")) }
