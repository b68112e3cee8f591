package content

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// TestTheVendorsRulesFindWhatRecordsOfCloudsSay sends records as clouds have them, which
// no sender prepared and of which nobody says the source, and wants what the vendor's
// rules look for. Rules that need a past only have to count the records.
func TestTheVendorsRulesFindWhatRecordsOfCloudsSay(t *testing.T) {
	denied := func(i int) string {
		return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a%d","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/n%d/secrets","verb":"list","user":{"username":"mara@example.com"},"sourceIPs":["203.0.113.9"],"objectRef":{"resource":"secrets"},"responseStatus":{"status":"Failure","reason":"Forbidden","code":403},"stageTimestamp":"2026-01-05T09:30:%02d.000000Z"}`, i, i, i)
	}
	webhook := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"w","stage":"ResponseComplete","requestURI":"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations","verb":"create","user":{"username":"mara@example.com"},"objectRef":{"resource":"mutatingwebhookconfigurations"},"responseStatus":{"code":201},"stageTimestamp":"2026-01-05T09:31:00Z"}`
	aks := func(event string) string {
		return `{"operationName":"Microsoft.ContainerService/managedClusters/diagnosticLogs/Read","category":"kube-audit","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/C","time":"2026-01-05T09:31:01Z","properties":{"log":` + string(schema.QuoteJSON(event)) + `}}`
	}
	gke := func(i int) string {
		return fmt.Sprintf(`{"insertId":"i%d","logName":"projects/p/logs/cloudaudit.googleapis.com%%2Factivity","protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"k8s.io","methodName":"io.k8s.core.v1.secrets.list","resourceName":"core/v1/namespaces/n%d/secrets","authenticationInfo":{"principalEmail":"mara@example.com"},"status":{"code":7,"message":"PERMISSION_DENIED"}},"resource":{"type":"k8s_cluster","labels":{"project_id":"p"}},"timestamp":"2026-01-05T09:30:%02dZ"}`, i, i, i)
	}
	trail := func(name, source, identity, more string) string {
		return `{"eventVersion":"1.08","eventTime":"2026-01-05T09:30:00Z","eventName":"` + name + `","eventSource":"` + source + `","awsRegion":"us-east-1","userIdentity":` + identity + more + `}`
	}
	instance := `{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0","accountId":"111122223333"}`
	team := func(name string) string {
		return `{"CreationTime":"2026-01-05T09:30:00","RecordType":25,"Operation":"MemberRoleChanged","OrganizationId":"o","Workload":"MicrosoftTeams","UserId":"admin@example.com","Members":[{"UPN":"tam@example.com","Role":2}],"TeamName":"` + name + `"}`
	}
	for _, c := range []struct {
		rule    string
		records []string
		counts  bool // the rule needs a past
	}{
		{"A Kubernetes user attempted to perform a high number of actions that were denied", repeated(11, denied), false},
		{"A Kubernetes user attempted to perform a high number of actions that were denied", repeated(11, func(i int) string { return aks(denied(i)) }), false},
		{"A Kubernetes user attempted to perform a high number of actions that were denied", repeated(11, gke), false},
		{"A new Kubernetes admission controller was created", []string{webhook}, false},
		{"A new Kubernetes admission controller was created", []string{aks(webhook)}, false},
		{"A Microsoft Teams member was made owner of multiple teams", []string{team("a"), team("b")}, false},
		{"A new Microsoft 365 application was installed", []string{`{"CreationTime":"2026-01-05T09:30:00","RecordType":8,"Operation":"Add application.","OrganizationId":"o","ResultStatus":"Success","Workload":"AzureActiveDirectory","ObjectId":"x","UserId":"admin@example.com"}`}, true},
		{"A potentially malicious file was sent in a Microsoft Teams message", []string{`{"CreationTime":"2026-01-05T09:30:00","RecordType":6,"Operation":"FileUploaded","OrganizationId":"o","Workload":"OneDrive","UserId":"lee@example.com","SourceFileName":"report.exe","AppAccessContext":{"ClientAppName":"Microsoft Teams Services"}}`}, false},
		{"AWS IAM activity from EC2 instance", []string{trail("CreateUser", "iam.amazonaws.com", instance, "")}, false},
		{"AWS Security Hub disabled", []string{trail("DisableSecurityHub", "securityhub.amazonaws.com", `{"type":"AWSService","arn":"arn:aws:iam::111122223333:role/r","invokedBy":"cloudformation.amazonaws.com"}`, `,"sourceIPAddress":"cloudformation.amazonaws.com"`)}, false},
		{"AWS IAM activity by S3 browser utility", []string{trail("CreateUser", "iam.amazonaws.com", `{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u"}`, `,"userAgent":"[S3 Browser 9.5.5 https://s3browser.com]"`)}, false},
		{"A user received an anomalous number of AccessDenied errors", []string{trail("ListUsers", "iam.amazonaws.com", instance, `,"errorCode":"AccessDenied"`)}, true},
		{"AWS WAF traffic blocked by specific rule on multiple IPs", []string{`{"timestamp":1767605412000,"webaclId":"w","terminatingRuleId":"r","action":"BLOCK","httpRequest":{"clientIp":"203.0.113.9","uri":"/","httpMethod":"GET"}}`}, true},
		{"AWS Verified Access anomalous failed authentication attempts by host", []string{`{"activity":"Access Denied","class_name":"Access Activity","http_request":{"url":{"hostname":"intranet.example.com"}},"time":1767605412000}`}, true},
		{"AWS GuardDuty finding", []string{`{"source":"aws.guardduty","detail-type":"GuardDuty Finding","time":"2026-01-05T09:30:00Z","detail":{"type":"UnauthorizedAccess:EC2/SSHBruteForce","severity":5,"resource":{"instanceDetails":{"instanceId":"i-0123456789abcdef0"}},"service":{}}}`}, false},
	} {
		events := sent(t, "", strings.Join(c.records, "\n"))
		var plan *compiler.BoundPlan
		for _, p := range vendorRules(t, "ootb_*") {
			if p.Rule.Name == c.rule {
				plan = p
			}
		}
		if plan == nil {
			t.Fatalf("there is no rule %q", c.rule)
		}
		found := len(signalsOf(plan, events))
		if c.counts {
			for i := range events {
				found += len(plan.Matches(&events[i]))
			}
		}
		if found == 0 {
			t.Errorf("%s: silent over %s\n\t%s\n\t%s %s %s", c.rule, c.records[0], silence(plan, events), events[0].Source, events[0].Service, events[0].JSON)
		}
	}
}

func repeated(n int, record func(int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = record(i)
	}
	return out
}
