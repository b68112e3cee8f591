package vocabulary

import (
	"strings"

	"nightjar/schema"
)

// ocsfVersion is the version of the framework whose names and classes these are.
const ocsfVersion = "1.3.0"

// ocsf is the event as one of the framework's: of the first class that it may be of and
// has what it requires for, and else a base event.
func ocsf(e *schema.Event) tree {
	for _, c := range classesOf(e) {
		if doc := c.document(e); c.complete(doc) {
			return doc
		}
	}
	return baseEvent.document(e)
}

// text is the first text at an attribute.
func text(e *schema.Event, path string) string {
	if leaves := e.Lookup(path); len(leaves) > 0 {
		return leaves[0].Text()
	}
	return ""
}

// ofCategory are the classes that evt.category names.
var ofCategory = map[string]*class{
	"authentication": &authenticationClass, "session": &authenticationClass, "iam": &accountChange, "process": &processActivity, "file": &fileActivity,
	"network": &networkActivity, "dns": &dnsActivity, "web": &httpActivity, "http": &httpActivity, "api": &apiActivity,
	"intrusion_detection": &detectionFinding, "threat": &detectionFinding, "malware": &detectionFinding,
}

// classesOf are the classes that an event may be of: what it says that it is, then what
// it has.
func classesOf(e *schema.Event) []*class {
	var out []*class
	add := func(c *class, when bool) {
		if when {
			out = append(out, c)
		}
	}
	category := strings.ToLower(text(e, "evt.category"))
	ofNetwork := category == "network"
	add(&dnsActivity, ofNetwork && e.Has("dns.question.name"))
	add(&httpActivity, ofNetwork && e.Has("http.method"))
	if c := ofCategory[category]; c != nil {
		out = append(out, c)
	}
	add(&detectionFinding, e.Has("rule.name") || e.Source == "guardduty")
	add(&authenticationClass, text(e, "evt.name") == "authentication")
	add(&apiActivity, e.Has("eventSource") && e.Has("eventName") || e.Has("protoPayload") || e.Has("objectRef") || e.Has("operationName"))
	add(&dnsActivity, e.Has("dns.question.name"))
	add(&httpActivity, e.Has("http.method") || e.Has("http.status_code"))
	add(&networkActivity, e.Has("network.client.ip") && e.Has("network.destination.ip"))
	add(&processActivity, e.Has("process.pid") && processActivity.activityOf(text(e, "evt.name")) != otherActivity)
	add(&fileActivity, e.Has("file.path"))
	add(&apiActivity, category == "" && e.Has("evt.name") && e.Has("usr"))
	return out
}

// document fills in what the event has, by the names that the class has.
func (c *class) document(e *schema.Event) tree {
	doc, used := tree{}, map[string]bool{}
	for i := range attributes {
		a := &attributes[i]
		name := c.nameFor(e, a)
		if name == "" || a.Field.Name == "evt.outcome" || a.Field.Name == "status" {
			continue
		}
		v, path := a.value(e)
		if v == nil {
			continue
		}
		v, whole := a.single(v)
		if a.notAddress(v) {
			name = strings.TrimSuffix(name, "ip") + "svc_name"
		}
		if doc.put(name, v) && whole {
			used[path] = true
		}
	}
	if c.uid == accountChange.uid && !doc.has("user") {
		doc.putUser(e) // where nobody else is named, it is the account itself
	}
	c.classify(e, doc)
	c.complement(e, doc, used)
	if rest := unmapped(e, used); len(rest) > 0 {
		doc["unmapped"] = rest
	}
	return doc
}

// nameFor is what the class calls an attribute of an event.
func (c *class) nameFor(e *schema.Event, a *Attribute) string {
	name := a.Field.Name
	switch {
	case c.uid == accountChange.uid && ofTarget[name] != "":
		return ofTarget[name]
	case c.uid != processActivity.uid || !e.Has("process.target"):
		return c.nameIn(a.OCSF)
	case ofReached[name] != "":
		return ofReached[name]
	}
	return fileActivity.nameIn(a.OCSF) // the one that reached into another is the actor
}

// ofTarget are the names of whom it was done to, of accounts that were changed; ofReached
// those of a process that another reached into.
var (
	ofTarget  = map[string]string{"usr.target.id": "user.uid", "usr.target.name": "user.name", "usr.target.domain": "user.domain"}
	ofReached = map[string]string{"process.target.pid": "process.pid", "process.target.name": "process.name", "process.target.executable.path": "process.file.path"}
)

func (t tree) putUser(e *schema.Event) {
	for path, name := range map[string]string{"usr.id": "user.uid", "usr.name": "user.name"} {
		if value := text(e, path); value != "" {
			t.put(name, value)
		}
	}
}

// single is a value as the framework has it, which knows no lists but where a member
// is one; whole: nothing of it was left out.
func (a *Attribute) single(v any) (value any, whole bool) {
	if list, ok := v.([]any); ok && a.Type != "list" {
		return list[0], false
	}
	if n, ok := v.(int64); ok && a.Type == "nanoseconds" {
		v = n / 1e6 // milliseconds
	}
	return v, true
}

// classify fills in what every event of the framework has.
func (c *class) classify(e *schema.Event, doc tree) {
	name := text(e, "evt.name")
	if c.uid == httpActivity.uid {
		name = text(e, "http.method")
	}
	if c.uid == apiActivity.uid {
		name = operation(e)
	}
	a := c.activityOf(name)
	doc["activity_id"], doc["activity_name"] = a.id, a.name
	doc["class_uid"], doc["class_name"] = c.uid, c.name
	doc["category_uid"], doc["category_name"] = c.uid/1000, c.category
	doc["type_uid"], doc["type_name"] = c.uid*100+a.id, c.name+": "+a.name
	s := severityOf(e.Status)
	doc["severity_id"], doc["severity"] = s.id, s.name
	switch outcome := text(e, "evt.outcome"); {
	case outcome == "" || c.uid == detectionFinding.uid: // a finding's is how far people are with it
	case strings.EqualFold(outcome, "success"):
		doc["status_id"], doc["status"] = 1, "Success"
	case strings.EqualFold(outcome, "failure"):
		doc["status_id"], doc["status"] = 2, "Failure"
	default:
		doc["status_id"], doc["status"] = 99, outcome
	}
	doc.put("metadata.version", ocsfVersion)
	doc.put("metadata.product.name", "nightjar")
	doc.put("metadata.product.vendor_name", "nightjar")
	doc.put("metadata.uid", e.ID())
	if e.Seen != 0 {
		doc.put("metadata.logged_time", int64(e.Seen))
	}
}

var severities = map[string]activity{
	"debug": {1, "Informational"}, "info": {1, "Informational"}, "ok": {1, "Informational"}, "notice": {2, "Low"}, "warn": {3, "Medium"},
	"error": {4, "High"}, "critical": {5, "Critical"}, "alert": {5, "Critical"}, "emergency": {6, "Fatal"},
	"low": {2, "Low"}, "medium": {3, "Medium"}, "high": {4, "High"},
}

func severityOf(status string) activity {
	if s, ok := severities[strings.ToLower(status)]; ok {
		return s
	}
	return unknownActivity
}

// complement adds what objects of the framework must have beside what they hold.
func (c *class) complement(e *schema.Event, doc tree, used map[string]bool) {
	used["evt.name"], used["evt.outcome"], used["evt.category"] = c.uid != 0, true, c.uid != 0
	for _, typed := range []string{"device", "file", "process.file", "actor.process.file", "process.parent_process.file"} {
		if doc.has(typed) {
			doc.put(typed+".type_id", 0)
		}
	}
	for _, f := range []string{"file", "process.file", "actor.process.file"} {
		if path, ok := doc.at(f + ".path").(string); ok {
			doc.put(f+".name", path[strings.LastIndexAny(path, `/\`)+1:])
		}
	}
	if doc.has("connection_info") {
		doc.put("connection_info.direction_id", directions[strings.ToLower(text(e, "network.direction"))])
	}
	switch c.uid {
	case detectionFinding.uid:
		doc.put("finding_info.uid", e.ID())
		if title := first(text(e, "detail.title"), text(e, "title"), text(e, "Title"), e.Message, text(e, "evt.name")); title != "" {
			doc.put("finding_info.title", title)
		}
		doc.put("finding_info.analytic.type_id", 1)
		doc.put("status_id", 1)
	case apiActivity.uid:
		if name := operation(e); name != "" {
			doc.put("api.operation", name)
		}
		if service := first(text(e, "eventSource"), text(e, "protoPayload.serviceName"), e.Service); service != "" {
			doc.put("api.service.name", service)
		}
	case httpActivity.uid:
		if doc.has("http_request") && doc.has("http_response") {
			doc.put("http_response.code", 0)
		}
	}
}

var directions = map[string]int{"inbound": 1, "ingress": 1, "outbound": 2, "egress": 2, "lateral": 3, "internal": 3}

// operation is the name of what was called of an API.
func operation(e *schema.Event) string {
	return first(text(e, "eventName"), text(e, "protoPayload.methodName"), text(e, "operationName"), text(e, "verb"), text(e, "evt.name"))
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// at is what stands at a path.
func (t tree) at(path string) any {
	names := strings.Split(path, ".")
	for _, n := range names[:len(names)-1] {
		t, _ = t[n].(tree)
	}
	return t[names[len(names)-1]]
}

// complete reports whether a document has what the class requires.
func (c *class) complete(doc tree) bool {
	for _, one := range c.required {
		found := false
		for path := range strings.SplitSeq(one, "|") {
			found = found || doc.has(path)
		}
		if !found {
			return false
		}
	}
	return true
}
