package content

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
	"nightjar/testenv"
)

// cloudLogs are kinds of logs of others' tests, by the source that their events are sent
// with, and the pipeline that is to read them.
var cloudLogs = map[string]struct{ source, pipeline string }{
	"AWS.CloudTrail":                          {"cloudtrail", "aws-cloudtrail"},
	"AWS.VPCFlow":                             {"vpc", "aws-vpc-flow"},
	"AWS.WAFWebACL":                           {"waf", "aws-waf"},
	"AWS.GuardDuty":                           {"guardduty", "aws-guardduty"},
	"AWS.S3ServerAccess":                      {"s3", "aws-s3-access"},
	"Okta.SystemLog":                          {"okta", "okta"},
	"GitHub.Audit":                            {"github", "github-audit"},
	"GitHub.Webhook":                          {"github", "github-audit"},
	"GitLab.Production":                       {"gitlab", "gitlab-audit"},
	"GCP.AuditLog":                            {"gcp.project", "gcp-audit"},
	"GCP.HTTPLoadBalancer":                    {"gcp.http.load.balancer", "gcp-audit"},
	"Azure.Audit":                             {"azure.activedirectory", "azure"},
	"Azure.MonitorActivity":                   {"azure.activity_logs", "azure"},
	"Microsoft365.Audit.SharePoint":           {"microsoft-365", "microsoft-365"},
	"Microsoft365.Audit.AzureActiveDirectory": {"microsoft-365", "microsoft-365"},
	"GSuite.ActivityEvent":                    {"gsuite", "google-workspace"},
	"Amazon.EKS.Audit":                        {"kubernetes.audit", "kubernetes-audit"},
}

// standard are the attributes that are counted.
var standard = []string{
	"evt.name", "evt.outcome", "evt.category", "usr.id", "usr.name", "usr.email", "network.client.ip", "http.useragent", "http.method", "http.url_details.path", "error.kind",
}

// TestEventsOfCloudsAreReadWithoutAnError sends events of clouds and of SaaS that others
// wrote for the tests of their rules. Run with -v, it says how many of each have what.
func TestEventsOfCloudsAreReadWithoutAnError(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "data/cloud-audit/panther_test_events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var plans []*compiler.BoundPlan
	if testing.Verbose() { // they are told, and prove nothing
		plans = append(vendorRules(t, "ootb_*"), bundledRules(t)...)
	}
	logs := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		var e struct {
			Types []string `json:"log_types"`
			Log   json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		// A rule over several kinds of logs has events of each in its tests.
		if len(e.Types) == 1 {
			logs[e.Types[0]] = append(logs[e.Types[0]], string(e.Log))
		}
	}
	for kind, by := range cloudLogs {
		if len(logs[kind]) == 0 {
			continue
		}
		events := sent(t, "?ddsource="+by.source, "["+strings.Join(logs[kind], ",")+"]")
		if len(events) != len(logs[kind]) {
			t.Errorf("%s: %d events of %d", kind, len(events), len(logs[kind]))
		}
		have := map[string]int{}
		for i := range events {
			if problem := misread(&events[i], by.pipeline, by.source); problem != "" {
				t.Errorf("%s: event %d: %s", kind, i, problem)
			}
			for _, path := range standard {
				if has(&events[i], path) {
					have[path]++
				}
			}
		}
		t.Logf("%-42s %4d events: %s", kind, len(events), counted(have))
		for _, plan := range plans {
			if found := signalsOf(plan, events); len(found) > 0 {
				t.Logf("\t%s: %d signals", plan.Rule.Name, len(found))
			}
		}
	}
}

// TestRecordsOfCloudTrailAreReadWithoutAnError sends two more sets of them: those of an
// attack, whose time is a shipper's, and one of each of many calls that attackers make.
func TestRecordsOfCloudTrailAreReadWithoutAnError(t *testing.T) {
	plans := append(vendorRules(t, "ootb_*"), bundledRules(t)...)
	for _, c := range []struct {
		file   string
		events int
		signal string // of a rule that has to make one
	}{
		{"otrf_ec2_proxy_s3_exfiltration.jsonl", 103, ""},
		{"traildiscover_labelled.jsonl", 157, "AWS CloudTrail configuration modified"},
	} {
		text, err := os.ReadFile(testenv.Shared(t, "data/cloudtrail/"+c.file))
		if err != nil {
			t.Fatal(err)
		}
		var body strings.Builder
		for line := range strings.Lines(string(text)) {
			var labelled struct{ Event json.RawMessage }
			if err := json.Unmarshal([]byte(line), &labelled); err != nil {
				t.Fatal(err)
			}
			if labelled.Event != nil {
				line = string(labelled.Event) + "\n"
			}
			body.WriteString(line)
		}
		events := sent(t, "", body.String())
		have := map[string]int{}
		for i := range events {
			if problem := misread(&events[i], "aws-cloudtrail", "cloudtrail"); problem != "" {
				t.Errorf("%s: event %d: %s", c.file, i, problem)
			}
			for _, path := range standard {
				if has(&events[i], path) {
					have[path]++
				}
			}
			for _, path := range []string{"evt.name", "evt.outcome", "usr.id", "network.client.ip", "http.useragent"} {
				if !has(&events[i], path) {
					t.Errorf("%s: event %d has no %s: %s", c.file, i, path, events[i].JSON)
				}
			}
		}
		t.Logf("%s: %d events: %s", c.file, len(events), counted(have))
		if len(events) != c.events {
			t.Errorf("%s: %d events, want %d", c.file, len(events), c.events)
		}
		made := c.signal == ""
		for _, plan := range plans {
			if found := signalsOf(plan, events); len(found) > 0 {
				t.Logf("\t%s: %d signals", plan.Rule.Name, len(found))
				made = made || plan.Rule.Name == c.signal
			}
		}
		if !made {
			t.Errorf("%s: no signal of %q", c.file, c.signal)
		}
	}
}

// bundledRules are the plans of the rules that ship.
func bundledRules(t *testing.T) []*compiler.BoundPlan {
	t.Helper()
	files, err := filepath.Glob("rules/*.json")
	if err != nil {
		t.Fatal(err)
	}
	return plansOf(t, files)
}

func counted(have map[string]int) string {
	var out []string
	for _, path := range standard {
		text, _ := json.Marshal(have[path])
		out = append(out, path+" "+string(text))
	}
	return strings.Join(out, ", ")
}

func has(e *schema.Event, path string) bool {
	return slices.ContainsFunc(e.Leaves, func(l schema.Leaf) bool { return l.Path == path || strings.HasPrefix(l.Path, path+".") })
}
