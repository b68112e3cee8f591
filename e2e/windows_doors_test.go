package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAnEventOfWindowsIsOneByEveryDoor has a failed logon, as its senders send it to the
// doors that they speak to: they are five events that a rule cannot tell apart, and
// without a source they are known for what they are.
func TestAnEventOfWindowsIsOneByEveryDoor(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	at := time.Now().UTC().Truncate(time.Second)
	when := at.Format("2006-01-02T15:04:05.000Z")
	data := [][2]string{{"TargetUserName", "administrator"}, {"TargetDomainName", "CORP"}, {"Status", "0xc000006d"}, {"LogonType", "3"}, {"IpAddress", "203.0.113.9"}, {"IpPort", "50123"}, {"WorkstationName", "KALI"}, {"ProcessId", "0x2a4"}, {"ProcessName", `C:\Windows\System32\svchost.exe`}}
	members, values, xml := map[string]any{}, []any{}, ""
	for _, d := range data {
		members[d[0]] = d[1]
		values = append(values, map[string]any{"key": d[0], "value": map[string]any{"stringValue": d[1]}})
		xml += "<Data Name='" + d[0] + "'>" + d[1] + "</Data>"
	}
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	post := func(path, kind, body string) {
		t.Helper()
		status, answer, err := p.request(http.MethodPost, path, []byte(body), "Content-Type", kind, "Authorization", "Bearer "+p.key)
		if err != nil || status >= 300 {
			t.Fatalf("%s: %d %s %v", path, status, answer, err)
		}
	}
	value := func(kind, v any) map[string]any { return map[string]any{fmt.Sprint(kind): v} }
	list := func(members ...any) map[string]any { return value("kvlistValue", map[string]any{"values": members}) }
	member := func(key string, v any) map[string]any { return map[string]any{"key": key, "value": v} }

	post("/_bulk", "application/x-ndjson", `{"create":{"_index":"winlogbeat"}}`+"\n"+text(map[string]any{
		"@timestamp": when, "host": map[string]any{"name": "collector"}, "log": map[string]any{"level": "information"}, "event": map[string]any{"code": "4625", "outcome": "failure"},
		"winlog": map[string]any{"channel": "Security", "event_id": "4625", "computer_name": "dc1.corp.example", "provider_name": "Microsoft-Windows-Security-Auditing", "event_data": members},
	})+"\n")
	post("/v1/logs", "application/json", text(map[string]any{"resourceLogs": []any{map[string]any{"scopeLogs": []any{map[string]any{"logRecords": []any{map[string]any{
		"timeUnixNano": fmt.Sprint(at.UnixNano()), "severityNumber": 9, "severityText": "0",
		"body": list(member("channel", value("stringValue", "Security")), member("computer", value("stringValue", "dc1.corp.example")), member("event_id", list(member("id", value("intValue", "4625")), member("qualifiers", value("intValue", "0")))),
			member("provider", list(member("name", value("stringValue", "Microsoft-Windows-Security-Auditing")))), member("level", value("stringValue", "Information")), member("event_data", list(values...))),
	}}}}}}}))
	flat := map[string]any{"EventTime": when, "Hostname": "dc1.corp.example", "EventType": "AUDIT_FAILURE", "Severity": "INFO", "EventID": 4625, "SourceName": "Microsoft-Windows-Security-Auditing", "Channel": "Security"}
	for k, v := range members {
		flat[k] = v
	}
	post("/ingest", "application/json", text(flat))
	post("/api/v2/logs", "application/json", text(map[string]any{"Event": map[string]any{"System": map[string]any{
		"Provider": map[string]any{"#attributes": map[string]any{"Name": "Microsoft-Windows-Security-Auditing"}}, "EventID": 4625, "Level": 0, "Keywords": "0x8010000000000000",
		"TimeCreated": map[string]any{"#attributes": map[string]any{"SystemTime": when}}, "Channel": "Security", "Computer": "dc1.corp.example",
	}, "EventData": members}}))
	post("/api/v2/logs", "text/plain", "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4625</EventID><Level>0</Level><Keywords>0x8010000000000000</Keywords>"+
		"<TimeCreated SystemTime='"+when+"'/><Channel>Security</Channel><Computer>dc1.corp.example</Computer></System><EventData>"+xml+"</EventData></Event>")
	p.await("stored", func() bool { return p.count("SELECT count() FROM events WHERE source = 'windows.events'") == 5 })

	columns := []string{"timestamp", "host", "service", "status"}
	for _, path := range []string{"EventID", "Channel", "Computer", "Provider_Name", "TargetUserName", "IpAddress", "LogonType", "evt.name", "evt.category", "evt.outcome", "usr.id", "usr.name", "usr.domain",
		"network.client.ip", "network.client.port", "network.client.domain", "process.pid", "process.name", "process.executable.path"} {
		columns = append(columns, "toString(attributes."+path+")")
	}
	stdout, stderr, code := p.run("sql", "SELECT count() AS n, "+strings.Join(columns, ", ")+" FROM events WHERE source = 'windows.events' GROUP BY ALL", "--output", "jsonl")
	if code != exitOK || strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, `"n":5`) || strings.Contains(stdout, "null") {
		t.Errorf("%s%s", stdout, stderr)
	}
	stdout, _, _ = p.run("search", "@evt.name:authentication @evt.outcome:failure @usr.name:administrator @network.client.ip:203.0.113.9", "--schema", "ocsf")
	if strings.Count(stdout, `"class_uid":3002`) != 5 || strings.Count(stdout, `"status":"Failure"`) != 5 {
		t.Error(stdout)
	}
}
