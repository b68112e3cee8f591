package content

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/schema"
)

// windowsEvent is what an event of Windows says, however it travels.
type windowsEvent struct {
	channel, provider, computer, time, keywords string
	id, level                                   int
	data                                        [][2]string
}

// forms are the ways in which it travels.
func (w *windowsEvent) forms(t *testing.T) map[string]string {
	t.Helper()
	members, singles, xml := map[string]any{}, []any{}, ""
	for _, d := range w.data {
		members[d[0]] = d[1]
		singles = append(singles, map[string]any{d[0]: d[1]})
		xml += fmt.Sprintf("<Data Name='%s'>%s</Data>", d[0], strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(d[1]))
	}
	audit := map[string]string{"0x8020000000000000": "Audit Success", "0x8010000000000000": "Audit Failure"}[w.keywords]
	numbers := map[string]int64{"0x8020000000000000": -9214364837600034816, "0x8010000000000000": -9218868437227405312, "0x8000000000000000": -9223372036854775808}
	out := map[string]string{}
	set := func(form string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out[form] = string(text)
	}
	system := map[string]any{
		"Provider": map[string]any{"#attributes": map[string]any{"Name": w.provider}}, "EventID": w.id, "Level": w.level, "Keywords": w.keywords,
		"TimeCreated": map[string]any{"#attributes": map[string]any{"SystemTime": w.time}}, "EventRecordID": 7, "Channel": w.channel, "Computer": w.computer,
		"Execution": map[string]any{"#attributes": map[string]any{"ProcessID": 99, "ThreadID": 98}},
	}
	set("EVTX", map[string]any{"Event": map[string]any{"#attributes": map[string]any{"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"}, "System": system, "EventData": members}})
	system["EventID"] = map[string]any{"#attributes": map[string]any{"Qualifiers": 0}, "#text": w.id}
	set("EVTX with qualifiers", map[string]any{"Event": map[string]any{"System": system, "EventData": members}})
	set("Winlogbeat", map[string]any{
		"@timestamp": w.time, "log": map[string]any{"level": "information"}, "host": map[string]any{"name": "collector"}, "event": map[string]any{"code": fmt.Sprint(w.id), "kind": "event"},
		"winlog": map[string]any{"channel": w.channel, "event_id": fmt.Sprint(w.id), "computer_name": w.computer, "provider_name": w.provider, "keywords": []string{audit}, "event_data": members, "record_id": 7},
	})
	set("Winlogbeat 6", map[string]any{
		"@timestamp": w.time, "level": "Information", "log_name": w.channel, "event_id": w.id, "computer_name": w.computer, "source_name": w.provider,
		"host": map[string]any{"name": "collector"}, "keywords": []string{audit}, "event_data": members, "record_number": "7",
	})
	flat := map[string]any{
		"EventTime": w.time, "Hostname": w.computer, "Keywords": numbers[w.keywords], "Severity": "INFO", "SeverityValue": 2, "EventID": w.id, "SourceName": w.provider,
		"Channel": w.channel, "RecordNumber": 7, "ExecutionProcessID": 99,
	}
	for k, v := range members {
		flat[k] = v
	}
	set("NXLog", flat)
	otel := map[string]any{
		"timestamp": w.time, "channel": w.channel, "computer": w.computer, "event_id": map[string]any{"id": w.id, "qualifiers": 0}, "provider": map[string]any{"name": w.provider, "guid": "{x}"},
		"keywords": []string{audit}, "level": "Information", "record_id": 7, "event_data": map[string]any{"data": singles},
	}
	set("OpenTelemetry", otel)
	otel["event_data"] = members
	set("OpenTelemetry, as a map", otel)
	out["XML"] = fmt.Sprintf("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='%s' Guid='{x}'/><EventID>%d</EventID><Version>2</Version><Level>%d</Level><Keywords>%s</Keywords>"+
		"<TimeCreated SystemTime='%s'/><EventRecordID>7</EventRecordID><Execution ProcessID='99' ThreadID='98'/><Channel>%s</Channel><Computer>%s</Computer><Security/></System><EventData>%s</EventData></Event>",
		w.provider, w.id, w.level, w.keywords, w.time, w.channel, w.computer, xml)
	out["XML with qualifiers"] = strings.Replace(out["XML"], "<EventID>", "<EventID Qualifiers='16384'>", 1)
	return out
}

// decoded is the event that a line or an object becomes, with all pipelines in force.
func decoded(t testing.TB, set *pipeline.Set, source, text string) schema.Event {
	t.Helper()
	d := ingest.Decoder{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Pipelines: set, Source: source}
	if !strings.HasPrefix(text, "{") {
		return d.Raw(text)
	}
	events, err := d.JSON([]byte(text))
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v: %s", len(events), err, text)
	}
	return events[0]
}

// standardRoots begin the attributes that events of other sources have, too.
var standardRoots = []string{"evt", "usr", "network", "process", "file", "registry", "dns", "group", "http", "tls", "rule", "windows", "powershell", "container", "kubernetes", "duration"}

// standardOf are an event's standard attributes, with a line each.
func standardOf(e *schema.Event) []string {
	var out []string
	for _, l := range e.Leaves {
		root, _, _ := strings.Cut(l.Path, ".")
		if slices.Contains(standardRoots, root) {
			out = append(out, l.Path+"="+l.Text())
		}
	}
	return out
}

// TestAnEventOfWindowsIsOneHoweverItTravels has events in all forms: they have equal
// standard attributes, and the names that rules ask for, with equal texts.
func TestAnEventOfWindowsIsOneHoweverItTravels(t *testing.T) {
	set := bundled(t)
	for _, c := range windowsEvents {
		var want []string
		from := ""
		forms := c.forms(t)
		for _, form := range slices.Sorted(func(yield func(string) bool) {
			for f := range forms {
				if !yield(f) {
					return
				}
			}
		}) {
			e := decoded(t, set, "", forms[form])
			if e.Source != "windows.events" {
				t.Errorf("%d as %s: source %q", c.id, form, e.Source)
			}
			got := append(standardOf(&e), "host="+e.Host, "status="+e.Status, "at="+e.At.String(), "service="+e.Service)
			for _, name := range append([][2]string{{"EventID", fmt.Sprint(c.id)}, {"Channel", c.channel}, {"Computer", c.computer}, {"Provider_Name", c.provider}}, c.data...) {
				texts := e.Values(schema.Field{Kind: schema.FieldAttribute, Name: name[0]})
				if len(texts) != 1 || strings.TrimSpace(texts[0]) != strings.TrimSpace(name[1]) {
					t.Errorf("%d as %s: @%s is %q, want %q", c.id, form, name[0], texts, name[1])
				}
			}
			if errs := e.Lookup("nightjar.pipeline_errors"); len(errs) > 0 {
				t.Errorf("%d as %s: %v", c.id, form, errs)
			}
			if want == nil {
				want, from = got, form
				t.Logf("%d: %s", c.id, strings.Join(got, " "))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d\nas %s: %q\nas %s: %q", c.id, form, got, from, want)
			}
		}
	}
}

// TestModulesOfWinlogbeatNameTheSource has an event whose source is the module that
// Winlogbeat's own configuration names, and one of another sender by that name.
func TestModulesOfWinlogbeatNameTheSource(t *testing.T) {
	set := bundled(t)
	e := decoded(t, set, "security", `{"@timestamp":"2025-12-31T10:00:00.123Z","event":{"module":"security","code":"4625"},"winlog":{"channel":"Security","event_id":"4625","computer_name":"dc1","provider_name":"Microsoft-Windows-Security-Auditing","event_data":{"TargetUserName":"bob","IpAddress":"192.0.2.7"}}}`)
	if got := strings.Join(standardOf(&e), " "); got != "evt.category=authentication evt.name=authentication evt.outcome=failure network.client.ip=192.0.2.7 usr.id=bob usr.name=bob" || e.Host != "dc1" {
		t.Errorf("host %q: %s", e.Host, got)
	}
	if e = decoded(t, set, "security", `{"message":"x","event_id":7}`); e.Has("nightjar.pipelines") || e.Has("EventID") {
		t.Error(e.JSON)
	}
}

// windowsEvents have one of each kind, at least.
var windowsEvents = []windowsEvent{
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "pc1.example.test", time: "2025-12-31T10:00:00.1234567Z", keywords: "0x8020000000000000", id: 4624, data: [][2]string{
		{"SubjectUserSid", "S-1-5-18"}, {"SubjectUserName", "PC1$"}, {"TargetUserSid", "S-1-5-21-1-2-3-1001"}, {"TargetUserName", "alice"}, {"TargetDomainName", "EXAMPLE"},
		{"LogonType", "3"}, {"IpAddress", "::ffff:192.0.2.7"}, {"IpPort", "50123"}, {"WorkstationName", "LAPTOP7"}, {"ProcessId", "0x110c"}, {"ProcessName", `C:\Windows\System32\svchost.exe`},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "pc1.example.test", time: "2025-12-31T10:00:00.1234567Z", keywords: "0x8010000000000000", id: 4625, data: [][2]string{
		{"TargetUserSid", "S-1-0-0"}, {"TargetUserName", "bob"}, {"TargetDomainName", "-"}, {"Status", "0xc000006d"}, {"LogonType", "3"}, {"IpAddress", "2001:db8::7"}, {"IpPort", "0"}, {"WorkstationName", "-"}, {"ProcessName", "-"}, {"ProcessId", "0x0"},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "dc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8010000000000000", id: 4776, data: [][2]string{
		{"PackageName", "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0"}, {"TargetUserName", "bob"}, {"Workstation", "LAPTOP7"}, {"Status", "0xc0000064"},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8020000000000000", id: 4688, data: [][2]string{
		{"SubjectUserName", "alice"}, {"SubjectDomainName", "EXAMPLE"}, {"NewProcessId", "0x4d8"}, {"NewProcessName", `C:\Windows\System32\whoami.exe`}, {"CommandLine", `whoami /all & echo <x>`}, {"ProcessId", "0x1f4"}, {"ParentProcessName", `C:\Windows\System32\cmd.exe`},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "dc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8020000000000000", id: 4720, data: [][2]string{
		{"TargetUserName", "mallory"}, {"TargetDomainName", "EXAMPLE"}, {"TargetSid", "S-1-5-21-1-2-3-1009"}, {"SubjectUserName", "alice"}, {"SubjectDomainName", "EXAMPLE"},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "dc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8020000000000000", id: 4732, data: [][2]string{
		{"MemberName", "-"}, {"MemberSid", "S-1-5-21-1-2-3-1009"}, {"TargetUserName", "Administrators"}, {"TargetDomainName", "Builtin"}, {"TargetSid", "S-1-5-32-544"}, {"SubjectUserName", "alice"},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8010000000000000", id: 4673, data: [][2]string{
		{"SubjectUserName", "alice"}, {"Service", "-"}, {"PrivilegeList", "SeTcbPrivilege"}, {"ProcessId", "0x1f4"}, {"ProcessName", `C:\tools\x.exe`},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8020000000000000", id: 5156, data: [][2]string{
		{"ProcessID", "5124"}, {"Application", `\device\harddiskvolume2\tools\x.exe`}, {"Direction", "%%14593"}, {"SourceAddress", "192.0.2.7"}, {"SourcePort", "50123"}, {"DestAddress", "198.51.100.9"}, {"DestPort", "443"}, {"Protocol", "6"},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "fs1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8020000000000000", id: 5145, data: [][2]string{
		{"SubjectUserName", "alice"}, {"IpAddress", "192.0.2.7"}, {"IpPort", "50123"}, {"ShareName", `\\*\C$`}, {"RelativeTargetName", `Windows\Temp\a.exe`}, {"ObjectType", "File"},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8020000000000000", id: 4663, data: [][2]string{
		{"SubjectUserName", "alice"}, {"ObjectType", "File"}, {"ObjectName", `C:\secret\plan.docx`}, {"ProcessId", "0x1f4"}, {"ProcessName", `C:\tools\x.exe`},
	}},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8020000000000000", id: 4697, data: [][2]string{
		{"SubjectUserName", "alice"}, {"ServiceName", "updater"}, {"ServiceFileName", `C:\tools\x.exe -s`},
	}},
	{channel: "System", provider: "Service Control Manager", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8080000000000000", id: 7045, level: 4, data: [][2]string{
		{"ServiceName", "updater"}, {"ImagePath", `C:\tools\x.exe -s`}, {"StartType", "auto start"}, {"AccountName", "LocalSystem"},
	}},
	{channel: "Microsoft-Windows-PowerShell/Operational", provider: "Microsoft-Windows-PowerShell", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x0", id: 4104, level: 4, data: [][2]string{
		{"MessageNumber", "1"}, {"MessageTotal", "1"}, {"ScriptBlockText", "Get-Process | Out-File x"}, {"ScriptBlockId", "11111111-2222-3333-4444-555555555555"}, {"Path", `C:\s\a.ps1`},
	}},
	{channel: "Microsoft-Windows-PowerShell/Operational", provider: "Microsoft-Windows-PowerShell", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x0", id: 4103, level: 4, data: [][2]string{
		{"ContextInfo", "        Severity = Informational\n        Host Name = ConsoleHost\n        Host Application = powershell.exe -nop\n        User = EXAMPLE\\alice\n        Shell ID = x\n"}, {"Payload", "CommandInvocation(Get-Process)"},
	}},
	{channel: "Microsoft-Windows-Sysmon/Operational", provider: "Microsoft-Windows-Sysmon", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8000000000000000", id: 1, level: 4, data: [][2]string{
		{"ProcessGuid", "{11111111-2222-3333-4444-555555555555}"}, {"ProcessId", "4711"}, {"Image", `C:\Windows\System32\whoami.exe`}, {"OriginalFileName", "whoami.exe"}, {"CommandLine", "whoami /all"}, {"CurrentDirectory", `C:\`}, {"User", `EXAMPLE\alice`},
		{"IntegrityLevel", "High"}, {"Hashes", "SHA1=0123456789012345678901234567890123456789,MD5=0123456789ABCDEF0123456789ABCDEF,SHA256=00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF,IMPHASH=00000000000000000000000000000000"},
		{"ParentProcessId", "500"}, {"ParentImage", `C:\Windows\System32\cmd.exe`}, {"ParentCommandLine", "cmd"},
	}},
	{channel: "Microsoft-Windows-Sysmon/Operational", provider: "Microsoft-Windows-Sysmon", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8000000000000000", id: 3, level: 4, data: [][2]string{
		{"ProcessId", "4711"}, {"Image", `C:\tools\x.exe`}, {"User", `EXAMPLE\alice`}, {"Protocol", "tcp"}, {"Initiated", "true"}, {"SourceIp", "192.0.2.7"}, {"SourcePort", "50123"}, {"DestinationIp", "198.51.100.9"}, {"DestinationPort", "443"}, {"DestinationHostname", "x.example"},
	}},
	{channel: "Microsoft-Windows-Sysmon/Operational", provider: "Microsoft-Windows-Sysmon", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8000000000000000", id: 10, level: 4, data: [][2]string{
		{"SourceProcessId", "4711"}, {"SourceImage", `C:\tools\x.exe`}, {"TargetProcessId", "600"}, {"TargetImage", `C:\Windows\system32\lsass.exe`}, {"GrantedAccess", "0x1010"}, {"SourceUser", `EXAMPLE\alice`}, {"TargetUser", `NT AUTHORITY\SYSTEM`},
	}},
	{channel: "Microsoft-Windows-Sysmon/Operational", provider: "Microsoft-Windows-Sysmon", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8000000000000000", id: 13, level: 4, data: [][2]string{
		{"EventType", "SetValue"}, {"ProcessId", "4711"}, {"Image", `C:\tools\x.exe`}, {"TargetObject", `HKLM\Software\Run\updater`}, {"Details", `C:\tools\x.exe`},
	}},
	{channel: "Microsoft-Windows-Sysmon/Operational", provider: "Microsoft-Windows-Sysmon", computer: "pc1.example.test", time: "2025-12-31T10:00:00.123Z", keywords: "0x8000000000000000", id: 22, level: 4, data: [][2]string{
		{"ProcessId", "4711"}, {"Image", `C:\tools\x.exe`}, {"QueryName", "x.example"}, {"QueryStatus", "0"}, {"QueryResults", "::ffff:198.51.100.9;"},
	}},
}
